"""The command that lets several models look for the same thing and compares what they find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from vlm_demo.analysis.consensus import (
    Consensus,
    ModelAnswer,
    ask_models,
    check_models,
    compare_answers,
    consensus_to_data,
)
from vlm_demo.cli.model import ModelOptions
from vlm_demo.cli.options import JsonOutput, Menu, Picture
from vlm_demo.cli.terminal import print_json, print_note, print_table
from vlm_demo.values import Request, Size, Task


def consensus(
    picture: Picture,
    words: Annotated[str, typer.Argument(metavar="WORDS", help='What to find: "red circle".')],
    model: Annotated[
        list[str], typer.Option(help="A name on the menu; two to six of them, each with --model.")
    ],
    json_output: JsonOutput = False,
    menu: Menu = None,
) -> None:
    """Let several models find the same thing and compare them.

    What not all of them see is listed first.
    """
    check_models(model)
    first = ModelOptions(model[0], menu).select()
    backend, image = first.backend, first.read_image(picture)
    request = Request(Task.GROUNDING, words, (image,))
    for name in model:
        backend.check(name, request)
    voices: list[ModelAnswer] = []
    for voice in ask_models(backend, model, request):
        voices.append(voice)
        if voice.error:
            print_note(f"{voice.model}: {voice.error}")
    result = compare_answers(voices, request.task)
    if json_output:
        print_json(consensus_to_data(result, image.size, request))
    else:
        _print(result, model, image.size)


def _print(result: Consensus, models: Sequence[str], size: Size) -> None:
    """List the things, then how far every two models agree."""
    for group in result.groups:
        names = ", ".join(result.answers[voice].model for voice in group.answers)
        print(f"{len(group.detections)} of {result.answer_count}: {names}")
        for sighting in group.detections:
            numbers = ", ".join(f"{v:.0f}" for v in sighting.box.to_pixels(size))
            print(f"    {result.answers[sighting.answer].model}: {numbers}")
    if not result.groups:
        print_note("None of the models found anything.")
    rows = [
        (name, *("-" if share is None else f"{share:.2f}" for share in shares))
        for name, shares in zip(models, result.agreement, strict=True)
    ]
    print_table([("AGREEMENT", *models), *rows])
