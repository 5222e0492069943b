"""The command that captions a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from vlm_demo.cli.framed_images import FrameOptions, NamedImage, ask_each, print_image_answer
from vlm_demo.cli.model import AnswerOptions, SelectedModel, answer
from vlm_demo.cli.options import JsonOutput, PictureOrFrames
from vlm_demo.cli.regions import print_regions
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, printable
from vlm_demo.rendering.export import reply_to_data
from vlm_demo.values import Request, Task


@expand_options
def caption(
    picture: PictureOrFrames,
    prompt: Annotated[str, typer.Option(help="The beginning of the caption.")] = "",
    detailed: Annotated[bool, typer.Option("--detailed", help="Say more.")] = False,
    grounded: Annotated[
        bool, typer.Option("--grounded", help="Say where the things are that it names.")
    ] = False,
    json_output: JsonOutput = False,
    *,
    framing: FrameOptions,
    options: AnswerOptions,
) -> int:
    """Describe the picture in a sentence."""
    if detailed and grounded:
        raise typer.BadParameter("choose one of the two.", param_hint="'--detailed' '--grounded'")
    model = options.select()
    task = Task.DETAILED_CAPTION if detailed else Task.CAPTION

    def caption_one(one: NamedImage) -> None:
        request = Request(
            Task.GROUNDED_CAPTION if grounded else task,
            prompt,
            images=(one.image,),
            sampling=model.sampling,
        )
        if grounded:
            _print_grounded(model, request, one, json_output=json_output)
        else:
            print_image_answer(model, request, one, json_output=json_output)

    return ask_each(model, picture, framing.choose(), caption_one)


def _print_grounded(
    model: SelectedModel, request: Request, one: NamedImage, *, json_output: bool
) -> None:
    reply = answer(model, request, quiet=json_output or one.place is not None)
    if json_output:
        facts = one.place.facts if one.place else {}
        print_json({**facts, **reply_to_data(reply, one.image.size)})
        return
    if one.place:
        print(f"{one.label}  {printable(reply.text)}")
    print_regions(reply, one.image.size)
