"""What the commands have in common: which model is asked, and how its tokens are drawn."""

from __future__ import annotations

import atexit
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL.Image import Image

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.families import get_family
from vlm_demo.images import open_image
from vlm_demo.rendering.export import FILE_FORMATS, FileFormat
from vlm_demo.settings import Settings
from vlm_demo.values import Box, RegionForm, Sampling, Size

Picture = Annotated[
    str, typer.Argument(metavar="PICTURE", help="A picture file; - reads it from standard input.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Model = Annotated[
    str | None,
    typer.Option(help="A name on the menu, a Hub id or a folder. Default: the first on the menu."),
]
Menu = Annotated[
    Path | None, typer.Option(help="A TOML file of models, instead of the usual ones.")
]
Temperature = Annotated[
    float | None,
    typer.Option(min=0, max=2, help="0: always the likeliest word."),
]
MaxNewTokens = Annotated[int | None, typer.Option(min=1, help="Where a long answer is cut off.")]
Boxes = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        metavar="X1,Y1,X2,Y2",
        help="A region, in pixels of the picture; again for more. [1] in the words is the first.",
    ),
]
RegionsAs = Annotated[
    RegionForm,
    typer.Option(help="How the model is told: in words, by marks in its picture, or cut out."),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Makes answers at a temperature repeatable.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The model that a command asks, and how."""

    backend: Backend
    spec: ModelSpec
    settings: Settings
    sampling: Sampling | None  # None: the family's own

    def picture(self, argument: str) -> Image:
        """Open the picture named on the command line.

        Raises:
            ImageError: it is not a picture that can be read.
        """
        return open_file(argument, self.settings)


def open_file(argument: str, settings: Settings) -> Image:
    """Open a picture file, or standard input for "-".

    Raises:
        ImageError: it is not a picture that can be read.
    """
    source = sys.stdin.buffer if argument == "-" else Path(argument)
    return open_image(source, max_bytes=settings.max_upload_bytes, max_pixels=settings.max_pixels)


def choose(
    model: str | None,
    menu: Path | None,
    temperature: float | None = None,
    max_new_tokens: int | None = None,
    seed: int | None = None,
) -> Chosen:
    """Find the model; nothing is loaded yet.

    Raises:
        UnknownModelError: it is not on the menu; SettingsError: the menu cannot be used.
        LoadError: a Hub id or folder was given, and there is no such checkpoint.
    """
    settings = Settings.read({"menu": menu})
    backend = Backend.from_settings(settings)
    # A model that still computes while the interpreter ends would abort the process.
    atexit.register(backend.close)
    name = model or backend.menu[0].name
    on_menu = any(spec.name == name for spec in backend.menu)
    # Only a path or a Hub id has a slash; a misspelt name gets the list of names.
    add = not on_menu and ("/" in name or Path(name).is_dir())
    spec = backend.add_checkpoint(name) if add else backend.spec(name)
    return Chosen(backend, spec, settings, _sampling(spec, temperature, max_new_tokens, seed))


def _sampling(
    spec: ModelSpec, temperature: float | None, max_new_tokens: int | None, seed: int | None
) -> Sampling | None:
    given: dict[str, Any] = {
        "temperature": temperature,
        "max_new_tokens": max_new_tokens,
        "seed": seed,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(get_family(spec.family).sampling, **changes) if changes else None


def parse_choices(text: str | None) -> tuple[str, ...]:
    """Split a list at its commas."""
    if text is None:
        return ()
    choices = tuple(choice.strip() for choice in text.split(",") if choice.strip())
    if not choices:
        raise typer.BadParameter("give words with commas between.", param_hint="'--choices'")
    return choices


def parse_schema(argument: str) -> str:
    """Return a JSON Schema that is given as text, or in a file."""
    if not argument or argument.lstrip().startswith("{"):
        return argument
    try:
        return Path(argument).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or no name of a file
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
        raise _not_a_box("give four numbers, x1,y1,x2,y2, in pixels of the picture.") from None
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise _not_a_box("give four finite numbers, in pixels of the picture.")
    box = Box.normalize(x1, y1, x2, y2, by=size)
    if not box.area:
        raise _not_a_box(f"it covers nothing of the picture of {size[0]} x {size[1]} pixels.")
    return box


def _not_a_box(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="'--box'")


PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def missing_votes(settings: Settings) -> str:
    """Return the file of votes that settings name and that is not there; "" where there is none."""
    path = settings.votes.removeprefix("sqlite:///")
    return path if "://" not in path and not Path(path).is_file() else ""


def check_out(path: Path | None) -> None:
    """Refuse a place where no picture can be written, before any work is done."""
    if path is None:
        return
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        known = ", ".join(PICTURE_SUFFIXES)
        raise typer.BadParameter(f"{path} must end in one of {known}.", param_hint="'--out'")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}.", param_hint="'--out'")


def parse_forms(names: Sequence[str] | None) -> tuple[FileFormat, ...]:
    """Return the forms of files that are called so."""
    known = {str(form): form for form in FILE_FORMATS}
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(
                f"{name!r} is not one of {', '.join(known)}.", param_hint="'--export'"
            )
    return tuple(known[name] for name in names or ())


def check_folder(path: Path) -> None:
    """Refuse a folder that is not there, before any work is done."""
    if not path.is_dir():
        raise typer.BadParameter(f"there is no folder {path}.", param_hint="'--to'")
