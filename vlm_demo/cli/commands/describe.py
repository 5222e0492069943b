"""The command that describes a region of a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from vlm_demo.cli.model import AnswerOptions, print_answer
from vlm_demo.cli.options import JsonOutput, Picture, RegionsAs, parse_boxes
from vlm_demo.cli.signatures import expand_options
from vlm_demo.values import RegionForm, Request, Task


@expand_options
def describe(
    picture: Picture,
    box: Annotated[
        list[str],
        typer.Option(metavar="X1,Y1,X2,Y2", help="A region, in pixels; again for more."),
    ],
    regions_as: RegionsAs = RegionForm.AUTO,
    json_output: JsonOutput = False,
    *,
    options: AnswerOptions,
) -> None:
    """Say what is in one or several regions of the picture."""
    model = options.select()
    image = model.read_image(picture)
    request = Request(
        Task.DESCRIBE_REGION,
        images=(image,),
        regions=parse_boxes(box, image.size),
        region_form=regions_as,
        sampling=model.sampling,
    )
    print_answer(model, request, json_output=json_output)
