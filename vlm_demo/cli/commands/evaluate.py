"""The command that measures how often a model is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vlm_demo.cli import lazy
from vlm_demo.cli.model import ModelOptions
from vlm_demo.cli.options import JsonOutput
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, print_table


@expand_options
def evaluate(
    benchmark: Annotated[
        str, typer.Option(help="The questions: scenes, scenes-choices, or own.")
    ] = "scenes",
    data: Annotated[
        Path | None, typer.Option(help="For own: the ZIP of questions that the page saves.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other pictures.")] = 0,
    count: Annotated[
        int | None, typer.Option("--n", min=1, help="About how many questions.")
    ] = None,
    json_output: JsonOutput = False,
    *,
    options: ModelOptions,
) -> None:
    """Measure how often a model is right on unseen pictures."""
    model = options.select()
    name = model.spec.name
    scores = lazy.evaluate(benchmark, model.backend, name, seed=seed, count=count, data=data)
    if json_output:
        print_json(dict(scores))
    else:
        print_table([("SCORE", name), *((key, _figure(value)) for key, value in scores.items())])


def _figure(value: float | int | None) -> str:
    if value is None:
        return "not measured"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
