"""The command that turns published weights of older systems into folders that run here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vlm_demo.cli import lazy
from vlm_demo.cli.terminal import print_note, program_name
from vlm_demo.units import format_bytes


def convert(
    source: Annotated[
        str, typer.Argument(help="Hub ID, folder or weight file of the published checkpoint.")
    ],
    target: Annotated[Path, typer.Argument(help="The folder to be made.")],
    family: Annotated[
        str, typer.Option(help="The family that asks the model. Default: it is found out.")
    ] = "",
    base: Annotated[
        str,
        typer.Option(help="Hub ID or folder of the language model, where the weights hold none."),
    ] = "",
    vision_tower: Annotated[
        str,
        typer.Option(help="Hub ID or folder of the vision tower. Default: what the model names."),
    ] = "",
) -> None:
    """Convert Shikra, MiniGPT-4, Yi-VL and others to a folder that --model takes."""
    done = lazy.convert(source, target, family=family, base=base, vision_tower=vision_tower)
    print(done.folder)
    print_note(
        f"{done.system}: {done.tensors} tensors, {format_bytes(done.weight_bytes)}. "
        f"Ask it with: {program_name()} chat PICTURE --model {done.folder}"
    )
