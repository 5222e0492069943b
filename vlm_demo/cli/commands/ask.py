"""The command that asks a question about a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from vlm_demo.analysis.multiple_choice import ranking_to_data
from vlm_demo.cli.model import AnswerOptions, print_answer, rank
from vlm_demo.cli.options import (
    Boxes,
    JsonOutput,
    Picture,
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
    picture: Picture,
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
    options: AnswerOptions,
) -> None:
    """Answer a question about the picture, in a word or a few."""
    model = options.select()
    image = model.read_image(picture)
    request = Request(
        Task.VQA,
        question,
        images=(image,),
        regions=parse_boxes(box, image.size),
        region_form=regions_as,
        choices=parse_choices(choices),
        pattern=pattern,
        schema=parse_schema(schema),
        sampling=model.sampling,
    )
    ranking = rank(model, request) if request.choices else None
    if ranking is None:
        print_answer(model, request, json_output=json_output)
    elif json_output:
        print_json({"text": ranking.best, "choices": ranking_to_data(ranking)})
    else:
        print(printable(ranking.best))
