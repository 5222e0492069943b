"""The command that prints the exact prompt of a request, without loading a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.catalog.added_model import render_prompt, spec_for_checkpoint
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.cli.model import read_image
from vlm_demo.cli.options import Boxes, JsonOutput, Menu, RegionsAs, parse_boxes
from vlm_demo.cli.terminal import print_json, print_note
from vlm_demo.errors import UnknownModelError, quote_name, suggest_names
from vlm_demo.families import all_families, family_listing, get_family
from vlm_demo.settings import Settings
from vlm_demo.values import Message, RegionForm, Request, Task

BLANK_SIZE = (640, 480)
"""Width and height of the blank picture that is asked about where none is given."""


def prompt(
    model: Annotated[str, typer.Option(help="A name on the menu, a Hub ID, a folder or a family.")],
    task: Annotated[Task, typer.Option(help="What is asked.")] = Task.CHAT,
    text: Annotated[str, typer.Option(help="The user's words.")] = "",
    picture: Annotated[
        list[str] | None, typer.Option(help="An image, again for more; without it, a blank one.")
    ] = None,
    box: Boxes = None,
    regions_as: RegionsAs = RegionForm.AUTO,
    history: Annotated[
        str | None, typer.Option(help='Earlier turns: [["question", "answer"], ...].')
    ] = None,
    json_output: JsonOutput = False,
    menu: Menu = None,
) -> None:
    """Print the exact prompt for a model, without loading it."""
    settings = Settings.read({"menu": menu})
    spec = find_spec(model, Backend.from_settings(settings).menu)
    family = get_family(spec.family)
    images = tuple(read_image(source, settings) for source in picture or ())
    images = images or (Image.new("RGB", BLANK_SIZE, "white"),)
    past = parse_history(history, images)
    request = Request(
        task,
        text,
        images=() if past else images,
        regions=parse_boxes(box, images[-1].size),
        region_form=regions_as,
        history=past,
    )
    prompt = family.prompt(request)
    rendered = render_prompt(spec, prompt)
    if spec.family_choice:
        print_note(str(spec.family_choice.reason))
    if prompt.note:
        print_note(str(prompt.note))
    if json_output:
        print_json(
            {
                "prompt": rendered,
                "family": family.name,
                "identity": asdict(spec.family_choice) if spec.family_choice else None,
                "asked_as": str(spec.family_reason),
                "answer_prefix": prompt.answer_prefix,
                "images": sum(len(message.images) for message in prompt.messages),
            }
        )
    else:
        print(rendered)


def find_spec(name: str, menu: Sequence[ModelSpec]) -> ModelSpec:
    """Find a model by its name on the menu, a Hub id, a folder, or the name of its family.

    Raises:
        UnknownModelError: there is none.
        LoadError: a folder or Hub id was given, and its small files cannot be read.
        NotRunnableError: it has no chat template, and no family brings one for it.
    """
    for spec in menu:
        if name in (spec.name, spec.checkpoint):
            return spec
    if family := all_families().get(name) or family_listing(name):
        return ModelSpec(name=name, family=family.name)
    # Only a path or a Hub id has a slash; a misspelt name gets a list of names.
    if "/" in name or Path(name).is_dir():
        return spec_for_checkpoint(name)
    known = (*(spec.name for spec in menu), *all_families())
    raise UnknownModelError(
        f"There is no model or family called {quote_name(name)}. {suggest_names(name, known)}"
        "The command vlm-demo models --json lists all."
    )


def parse_history(text: str | None, images: Sequence[Image.Image]) -> tuple[Message, ...]:
    """Read [["question", "answer"], ...]; the pictures go with the first question."""
    if not text:
        return ()
    hint = "'--history'"
    try:
        turns = json.loads(text)
        pairs = [(str(question), str(answer)) for question, answer in turns]
    except (ValueError, TypeError) as error:
        raise typer.BadParameter('give [["question", "answer"], ...].', param_hint=hint) from error
    history: list[Message] = []
    for question, answer in pairs:
        shared = () if history else tuple(images)
        history += [Message("user", question, shared), Message("assistant", answer)]
    return tuple(history)
