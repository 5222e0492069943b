"""The command that describes a region of a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from vlm_demo.cli.framed_images import FrameOptions, NamedImage, ask_each, print_image_answer
from vlm_demo.cli.model import AnswerOptions
from vlm_demo.cli.options import JsonOutput, PictureOrFrames, RegionsAs, parse_boxes
from vlm_demo.cli.signatures import expand_options
from vlm_demo.values import RegionForm, Request, Task


@expand_options
def describe(
    picture: PictureOrFrames,
    box: Annotated[
        list[str],
        typer.Option(metavar="X1,Y1,X2,Y2", help="A region, in pixels; again for more."),
    ],
    regions_as: RegionsAs = RegionForm.AUTO,
    json_output: JsonOutput = False,
    *,
    framing: FrameOptions,
    options: AnswerOptions,
) -> int:
    """Say what is in one or several regions of the picture."""
    model = options.select()

    def describe_one(one: NamedImage) -> None:
        request = Request(
            Task.DESCRIBE_REGION,
            images=(one.image,),
            regions=parse_boxes(box, one.image.size),
            region_form=regions_as,
            sampling=model.sampling,
        )
        print_image_answer(model, request, one, json_output=json_output)

    return ask_each(model, picture, framing.choose(), describe_one)
