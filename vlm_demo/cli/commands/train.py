"""The command that trains the embedded models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vlm_demo.cli import lazy


def train(
    recipe: Annotated[str, typer.Option(help="embedded-llava15 or embedded-kosmos2.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the finished model.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Start again, or go on where it stopped.")
    ] = False,
) -> None:
    """Train an embedded model again and print its folder."""
    print(lazy.train(recipe, out, fresh=fresh))
