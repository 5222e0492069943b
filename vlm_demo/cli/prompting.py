"""The exact prompt for a request, without loading any weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import typer
from PIL import Image

from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.errors import UnknownModelError
from vlm_demo.families import all_families, get_family
from vlm_demo.prompting.family import Family
from vlm_demo.values import Message, Prompt, Request

STAND_IN_SIZE = (640, 480)
"""Of the blank picture that is asked about where none is given."""


@dataclass(frozen=True, slots=True)
class WrittenPrompt:
    """A prompt, and its whole text."""

    family: Family
    prompt: Prompt
    text: str


def write_prompt(family: Family, request: Request) -> WrittenPrompt:
    """Write the prompt of a request.

    Raises:
        VlmDemoError: the family cannot do this.
    """
    prompt = family.prompt(request)
    return WrittenPrompt(family, prompt, family.render(prompt))


def family_called(name: str, menu: Sequence[ModelSpec]) -> Family:
    """Find a family by a model on the menu, by a checkpoint's Hub id, or by its own name.

    Raises:
        UnknownModelError: there is none; the message lists what is known.
    """
    for spec in menu:
        if name in (spec.name, spec.checkpoint):
            return get_family(spec.family)
    for family in all_families().values():
        if name in (family.name, *family.checkpoints):
            return family
    known = ", ".join((*(spec.name for spec in menu), *all_families()))
    raise UnknownModelError(f"There is no model or family called {name!r}. Known: {known}.")


def stand_in() -> Image.Image:
    """A blank picture."""
    return Image.new("RGB", STAND_IN_SIZE, "white")


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
        pictures = () if history else tuple(images)
        history += [Message("user", question, pictures), Message("assistant", answer)]
    return tuple(history)
