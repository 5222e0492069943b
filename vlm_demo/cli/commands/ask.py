"""The command that asks a question about a picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from vlm_demo.analysis.multiple_choice import ranking_to_data
from vlm_demo.cli.framed_images import FrameOptions, NamedImage, ask_each, print_image_answer
from vlm_demo.cli.model import AnswerOptions, SelectedModel, rank
from vlm_demo.cli.options import (
    Boxes,
    JsonOutput,
    PictureOrFrames,
    RegionsAs,
    parse_boxes,
    parse_choices,
    parse_schema,
)
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, printable
from vlm_demo.values import RegionForm, Request, Task


@expand_options
def ask(
    picture: PictureOrFrames,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="It is answered in a word or a few.")
    ],
    box: Boxes = None,
    regions_as: RegionsAs = RegionForm.AUTO,
    choices: Annotated[
        str | None, typer.Option(help="The answers to choose from, with commas between.")
    ] = None,
    pattern: Annotated[
        str, typer.Option(help="A regular expression that the whole answer matches.")
    ] = "",
    schema: Annotated[
        str, typer.Option(metavar="FILE|TEXT", help="A JSON Schema that the answer conforms to.")
    ] = "",
    json_output: JsonOutput = False,
    *,
    framing: FrameOptions,
    options: AnswerOptions,
) -> int:
    """Answer a question about the picture, in a word or a few.

    Of a film, each frame is asked about by itself; `video --ask` asks about them together.
    """
    model = options.select()
    asked = Request(
        Task.VQA,
        question,
        region_form=regions_as,
        choices=parse_choices(choices),
        pattern=pattern,
        schema=parse_schema(schema),
        sampling=model.sampling,
    )

    def ask_about(one: NamedImage) -> None:
        regions = parse_boxes(box, one.image.size)
        request = replace(asked, images=(one.image,), regions=regions)
        if not (asked.choices and _print_choice(model, request, one, json_output=json_output)):
            print_image_answer(model, request, one, json_output=json_output)

    return ask_each(model, picture, framing.choose(), ask_about)


def _print_choice(
    model: SelectedModel, request: Request, one: NamedImage, *, json_output: bool
) -> bool:
    """Print the likeliest choice; False: the model's engine cannot compare them."""
    ranking = rank(model, request)
    if ranking is None:
        return False
    facts = one.place.facts if one.place else {}
    if json_output:
        print_json({**facts, "text": ranking.best, "choices": ranking_to_data(ranking)})
    else:
        print(f"{one.label}  {printable(ranking.best)}" if one.place else printable(ranking.best))
    return True
