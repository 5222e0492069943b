"""The command that lists the menu: a table for people, data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from vlm_demo.backend import Backend
from vlm_demo.catalog.server_menu import to_menu_toml
from vlm_demo.catalog.spec import ESTIMATED_FORMATS, ModelSpec
from vlm_demo.catalog.vllm import vllm_command
from vlm_demo.cli.options import JsonOutput, Menu, Server
from vlm_demo.cli.terminal import print_json, print_table, printable
from vlm_demo.engines import NumberFormat
from vlm_demo.families import get_family
from vlm_demo.settings import Settings
from vlm_demo.units import format_bytes, format_parameters

QUANTIZATIONS = {NumberFormat.EIGHT_BIT: "8bit", NumberFormat.FOUR_BIT: "4bit"}
"""Former names of the formats of quantized weights, as menus write them."""

HEADING = ("NAME", "FAMILY", "SIZE", "MEMORY", "LICENCE", "COMMERCIAL", "WHERE", "CAN")


def models(
    menu: Menu = None,
    server: Server = None,
    toml: Annotated[
        bool,
        typer.Option("--toml", help="Print the models of the servers as lines for a menu file."),
    ] = False,
    json_output: JsonOutput = False,
    vllm: Annotated[
        bool,
        typer.Option(
            "--vllm", help="Print how each model is served by vLLM, as menu lines with comments."
        ),
    ] = False,
) -> None:
    """List the models, what is known of each and where it runs."""
    specs = Backend.from_settings(Settings.read({"menu": menu, "server": server})).menu
    if toml:
        print(to_menu_toml([spec for spec in specs if spec.engine == "remote"]), end="")
    elif json_output:
        print_json(describe_models(specs))
    elif vllm:
        typer.echo(printable(write_vllm_menu(specs)))
    else:
        print_table([HEADING, *map(_row, specs)])


def describe_models(menu: Sequence[ModelSpec]) -> list[dict[str, Any]]:
    """Return everything that the catalogue knows of each model; memory is in bytes."""
    return [
        {
            **asdict(spec),
            "asked_as": str(spec.family_reason),
            "tasks": list(spec.tasks),
            "abilities": list(spec.abilities),
            "memory": {
                label: spec.memory(number_format)
                for label, number_format in ESTIMATED_FORMATS.items()
            },
            "runs_here": spec.runs_here,
            "unavailable_reason": str(spec.unavailable_reason),
            "here": spec.is_here,
            "vllm": asdict(command) if (command := vllm_command(spec)) else None,
            # The same under their former names, for scripts that read those.
            "obstacle": str(spec.unavailable_reason),
            "nearest": spec.alternative,
            "unsure": list(spec.unverified_fields),
            "dtype": spec.compute_format if spec.number_format.is_quantized else spec.number_format,
            "quantization": QUANTIZATIONS.get(spec.number_format, "none"),
        }
        for spec in menu
    ]


def write_vllm_menu(menu: Sequence[ModelSpec]) -> str:
    """Return a menu of the models that vLLM serves; a comment gives the command for each."""
    commands = filter(None, map(vllm_command, menu))
    return "\n\n".join(f"# {command.serve}\n{command.menu}" for command in commands)


def _row(spec: ModelSpec) -> tuple[str, ...]:
    """Return a line of the table; a question mark follows what could not be verified."""

    def mark(text: str, field: str) -> str:
        return f"{text} ?" if text and field in spec.unverified_fields else text

    return (
        spec.name,
        get_family(spec.family).title,
        mark(format_parameters(spec.parameters), "parameters"),
        format_bytes(spec.memory(NumberFormat.BFLOAT16)),
        mark(spec.licence, "licence"),
        mark(spec.commercial, "commercial"),
        _location(spec),
        ", ".join(spec.abilities),
    )


def _location(spec: ModelSpec) -> str:
    if not spec.runs_here:
        return spec.runs
    if spec.engine == "remote":
        return "another server"
    if spec.is_here:
        return "this computer"
    return "missing" if spec.embedded else "downloaded when chosen"
