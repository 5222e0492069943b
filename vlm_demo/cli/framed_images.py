"""Films and documents where a command takes a picture: it is asked about each frame or page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from PIL.Image import Image

from vlm_demo.cli.exit_codes import PARTIAL
from vlm_demo.cli.model import SelectedModel, answer, answer_to_data, print_answer
from vlm_demo.cli.terminal import print_error, print_json, printable
from vlm_demo.errors import ImageError
from vlm_demo.media.film_strip import STRIP_FRAMES
from vlm_demo.media.framed_files import (
    FrameChoice,
    FramedImage,
    list_framed_images,
    open_framed_file,
)
from vlm_demo.values import Request

ASKED_FRAMES = 8
"""Number of frames of a film that a model is asked about, unless the command line says more."""


@dataclass(frozen=True)
class FrameOptions:
    """The options that choose frames of a film and pages of a document."""

    frames: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of frames of a video that are looked at, evenly spaced. "
            f"Default: {STRIP_FRAMES} to find things, or else {ASKED_FRAMES}.",
        ),
    ] = None
    rate: Annotated[
        float, typer.Option(min=0, help="Frames of a video a second that are looked at, instead.")
    ] = 0
    pages: Annotated[
        str, typer.Option(metavar="PAGES", help="Pages of a document: 1-3, 7. Default: all.")
    ] = ""

    def choose(self, frames: int = ASKED_FRAMES) -> FrameChoice:
        """Return what is chosen; `frames` are taken of a film where no number is given."""
        return FrameChoice(self.frames or frames, self.rate, self.pages)


@dataclass(frozen=True, slots=True)
class NamedImage:
    """A picture that a command is about."""

    name: str  # for files that are written
    image: Image
    place: FramedImage | None = None  # in its film or document; None: it is a picture by itself

    @property
    def label(self) -> str:
        """Its time or page; "": it is a picture by itself."""
        return self.place.label if self.place else ""


def ask_each(
    model: SelectedModel,
    argument: str,
    choice: FrameChoice,
    ask: Callable[[NamedImage], None],
) -> int:
    """Ask about a picture, or about each frame of a film, or page of a document.

    What is damaged in a film or document is told, and the rest goes on.

    Returns:
        The exit status: `PARTIAL` where some could not be read.

    Raises:
        VlmDemoError: the file cannot be read, or `ask` raises it about another thing.
    """
    status = 0
    for one in _list_images(model, argument, choice):
        if isinstance(one, NamedImage):
            ask(one)
            continue
        try:
            image = one.open()
        except ImageError as error:
            print_error(f"{one.label}: {error}")
            status = PARTIAL
            continue
        ask(NamedImage(one.name_after(Path(argument).name), image, one))
    return status


def _list_images(
    model: SelectedModel, argument: str, choice: FrameChoice
) -> Iterator[NamedImage | FramedImage]:
    settings, path = model.settings, Path(argument)
    file = None
    if argument != "-" and path.is_file():
        file = open_framed_file(
            path,
            choice,
            max_bytes=settings.max_upload_bytes,
            max_film_bytes=settings.film_bytes,
            max_pixels=settings.max_pixels,
        )
    if file is None:
        name = "picture" if argument == "-" else path.name
        yield NamedImage(name, model.read_image(argument))
    else:
        yield from list_framed_images(file, choice)


def print_image_answer(
    model: SelectedModel, request: Request, one: NamedImage, *, json_output: bool
) -> None:
    """Print the answer about a picture; behind its time or page where it has one.

    Raises:
        VlmDemoError: the model cannot do this, or failed.
    """
    if one.place is None:
        print_answer(model, request, json_output=json_output)
    else:
        print_labelled_answer(
            model, request, one.place.label, one.place.facts, json_output=json_output
        )


def print_labelled_answer(
    model: SelectedModel,
    request: Request,
    label: str,
    facts: dict[str, float],
    *,
    json_output: bool,
) -> None:
    """Print a complete answer behind a label, or as JSON behind facts.

    Raises:
        VlmDemoError: the model cannot do this, or failed.
    """
    reply = answer(model, request, quiet=True)
    if json_output:
        print_json({**facts, **answer_to_data(reply)})
    else:
        print(f"{label}  {printable(reply.text)}", flush=True)
