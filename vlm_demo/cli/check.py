"""The commands that check an answer, and that ask several models what they see."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from PIL.Image import Image

from vlm_demo.analysis.checking import check, grounding_models
from vlm_demo.analysis.consensus import (
    Consensus,
    Voice,
    ask_in_turn,
    check_models,
    compare,
    to_data,
)
from vlm_demo.analysis.verdicts import Check, Verdict, as_data
from vlm_demo.backend import Backend
from vlm_demo.cli.answering import load
from vlm_demo.cli.options import AsJson, Chosen, Menu, Model, Picture, choose
from vlm_demo.cli.terminal import print_note, table
from vlm_demo.errors import UnsupportedTaskError
from vlm_demo.rendering.export import as_json
from vlm_demo.settings import Settings
from vlm_demo.values import Request, Size, Task


def check_answer(
    picture: Picture,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer that is checked.")],
    as_json_: AsJson = False,
    model: Model = None,
    menu: Menu = None,
) -> None:
    """Look for everything that an answer names; say what is supported and what is not.

    The default model is the largest on this computer that can say where things are and knows the
    language of the answer.
    """
    chosen = choose(model or _best(menu, text), menu)
    image = chosen.picture(picture)
    checked = _checked(chosen, image, text)
    if as_json_:
        sys.stdout.write(as_json(as_data(checked, image.size, chosen.spec.name)))
        return
    for finding in checked.findings:
        said = "no " if finding.phrase.negated else ""
        verdict = finding.verdict or "not looked for"
        print(f"{verdict.upper()}: {said}{finding.phrase.text}. {finding.reason}")
    if not checked.findings:
        print_note("The text names nothing that could be looked for.")
    else:
        supported = checked.count(Verdict.SUPPORTED)
        print_note(f"{supported} of {len(checked.findings)} phrases supported.")


def consensus(
    picture: Picture,
    words: Annotated[str, typer.Argument(metavar="WORDS", help='What to find: "red circle".')],
    model: Annotated[
        list[str], typer.Option(help="A name on the menu; two to six of them, each with --model.")
    ],
    as_json_: AsJson = False,
    menu: Menu = None,
) -> None:
    """Let several models look for the same, and list what not all of them see first."""
    check_models(model)
    chosen = choose(model[0], menu)
    backend, image = chosen.backend, chosen.picture(picture)
    request = Request(Task.GROUNDING, words, (image,))
    for name in model:
        backend.check(name, request)
    voices: list[Voice] = []
    for voice in ask_in_turn(backend, model, request):
        voices.append(voice)
        if voice.error:
            print_note(f"{voice.model}: {voice.error}")
    seen = compare(voices, request.task)
    if as_json_:
        sys.stdout.write(as_json(to_data(seen, image.size, request)))
    else:
        _print(seen, model, image.size)


def _best(menu: Path | None, text: str) -> str:
    names = grounding_models(Backend.from_settings(Settings.read({"menu": menu})), text)
    if not names:
        raise UnsupportedTaskError("No model of the menu can say where things are.")
    return names[0]


def _checked(chosen: Chosen, image: Image, text: str) -> Check:
    load(chosen)
    *_, complete = check(chosen.backend, chosen.spec.name, image, text)
    return complete


def _print(seen: Consensus, models: Sequence[str], size: Size) -> None:
    """List the things, then how far every two models agree."""
    for group in seen.groups:
        names = ", ".join(seen.voices[voice].model for voice in group.voices)
        print(f"{len(group.sightings)} of {seen.answered}: {names}")
        for sighting in group.sightings:
            numbers = ", ".join(f"{v:.0f}" for v in sighting.box.to_pixels(size))
            print(f"    {seen.voices[sighting.voice].model}: {numbers}")
    if not seen.groups:
        print_note("None of them sees anything.")
    rows = [
        (name, *("-" if share is None else f"{share:.2f}" for share in shares))
        for name, shares in zip(models, seen.agreement, strict=True)
    ]
    print(table([("AGREEMENT", *models), *rows]))
