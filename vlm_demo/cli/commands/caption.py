"""The command that captions a picture."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vlm_demo.cli.model import AnswerOptions, answer, answer_to_data
from vlm_demo.cli.options import JsonOutput, Picture
from vlm_demo.cli.regions import print_regions
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json
from vlm_demo.rendering.export import export_text
from vlm_demo.values import Request, Task


@expand_options
def caption(
    picture: Picture,
    prompt: Annotated[str, typer.Option(help="The beginning of the caption.")] = "",
    detailed: Annotated[bool, typer.Option("--detailed", help="Say more.")] = False,
    grounded: Annotated[
        bool, typer.Option("--grounded", help="Say where the things are that it names.")
    ] = False,
    json_output: JsonOutput = False,
    *,
    options: AnswerOptions,
) -> None:
    """Describe the picture in a sentence."""
    if detailed and grounded:
        raise typer.BadParameter("choose one of the two.", param_hint="'--detailed' '--grounded'")
    model = options.select()
    task = Task.DETAILED_CAPTION if detailed else Task.CAPTION
    image = model.read_image(picture)
    request = Request(
        Task.GROUNDED_CAPTION if grounded else task,
        prompt,
        images=(image,),
        sampling=model.sampling,
    )
    reply = answer(model, request, quiet=json_output)
    if json_output and grounded:
        sys.stdout.write(export_text(reply, image.size, "json"))
    elif json_output:
        print_json(answer_to_data(reply))
    elif grounded:
        print_regions(reply, image.size)
