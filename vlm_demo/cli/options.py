"""Options and arguments that several commands have, and how their values are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from vlm_demo.cli.signatures import setting_option
from vlm_demo.settings import Settings
from vlm_demo.values import Box, RegionForm, Size

Picture = Annotated[
    str, typer.Argument(metavar="PICTURE", help="An image file; - reads it from standard input.")
]
PictureOrFrames = Annotated[
    str,
    typer.Argument(
        metavar="PICTURE",
        help="An image file; - reads it from standard input. Of a video or a document, each frame "
        "or page is an image.",
    ),
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Menu = Annotated[Path | None, setting_option("menu")]
Server = Annotated[str | None, setting_option("server")]
Votes = Annotated[str | None, setting_option("votes")]
VotesRepo = Annotated[str | None, setting_option("votes_repo", "--repo")]
Boxes = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        metavar="X1,Y1,X2,Y2",
        help="A region, in pixels of the image; again for more. [1] in the text is the first.",
    ),
]
RegionsAs = Annotated[
    RegionForm,
    typer.Option(help="How the model is told: in words, by marks in its image, or cut out."),
]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""Endings of files that a picture can be saved to."""


def parse_choices(text: str | None) -> tuple[str, ...]:
    """Split a list of answers at its commas."""
    if text is None:
        return ()
    choices = tuple(choice.strip() for choice in text.split(",") if choice.strip())
    if not choices:
        raise typer.BadParameter("give words with commas between.", param_hint="'--choices'")
    return choices


def parse_schema(argument: str) -> str:
    """Return a JSON Schema that is given as text or in a file."""
    if not argument or argument.lstrip().startswith("{"):
        return argument
    try:
        return Path(argument).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or not the name of a file
        raise typer.BadParameter(
            f"{argument} is neither JSON nor a file that can be read.", param_hint="'--schema'"
        ) from error


def parse_boxes(texts: Sequence[str] | None, size: Size) -> tuple[Box, ...]:
    """Read each "x1,y1,x2,y2" in pixels of a picture of `size`."""
    return tuple(parse_box(text, size) for text in texts or ())


def parse_box(text: str, size: Size) -> Box:
    """Read "x1,y1,x2,y2" in pixels of a picture of `size`."""
    try:
        x1, y1, x2, y2 = map(float, text.split(","))
    except ValueError:
        raise _bad_box("give four numbers, x1,y1,x2,y2, in pixels of the image.") from None
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise _bad_box("give four finite numbers, in pixels of the image.")
    box = Box.normalize(x1, y1, x2, y2, by=size)
    if not box.area:
        raise _bad_box(f"it covers nothing of the image of {size[0]} x {size[1]} pixels.")
    return box


def _bad_box(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="'--box'")


FormatT = TypeVar("FormatT", bound=str)


def parse_export_formats(
    names: Sequence[str] | None, known: Sequence[FormatT]
) -> tuple[FormatT, ...]:
    """Return the export formats of these names."""
    by_name = {str(form): form for form in known}
    for name in names or ():
        if name not in by_name:
            raise typer.BadParameter(
                f"{name!r} is not one of {', '.join(by_name)}.", param_hint="'--export'"
            )
    return tuple(by_name[name] for name in names or ())


def check_output_image(path: Path | None) -> None:
    """Refuse a path where no picture can be saved, before any work is done."""
    if path is None:
        return
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        known = ", ".join(IMAGE_SUFFIXES)
        raise typer.BadParameter(f"{path} must end in one of {known}.", param_hint="'--out'")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}.", param_hint="'--out'")


def check_folder(path: Path) -> None:
    """Refuse a folder that does not exist, before any work is done."""
    if not path.is_dir():
        raise typer.BadParameter(f"there is no folder {path}.", param_hint="'--to'")


def missing_votes_file(settings: Settings) -> str:
    """Return the file of votes that settings name, if it does not exist; "" if it does."""
    path = settings.votes.removeprefix("sqlite:///")
    return path if "://" not in path and not Path(path).is_file() else ""
