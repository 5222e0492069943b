"""The command that finds out what a model's confidence in its boxes means."""

from __future__ import annotations

from typing import Annotated

import typer

from vlm_demo.cli import lazy
from vlm_demo.cli.model import ModelOptions
from vlm_demo.cli.options import JsonOutput
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, print_note, print_table


@expand_options
def calibrate(
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other scenes.")] = 0,
    count: Annotated[
        int, typer.Option("--n", min=60, help="Searches to fit the curve to; half as many test it.")
    ] = 1200,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the curve, so that Studio shows it.")
    ] = False,
    json_output: JsonOutput = False,
    *,
    options: ModelOptions,
) -> None:
    """Measure how often boxes of each confidence are right, on drawn scenes.

    The curve is fitted to searches in one set of scenes, and its error is measured on another.
    """
    model = options.select()
    report = lazy.calibrate(model.backend, model.spec.name, seed=seed, count=count)
    if json_output:
        print_json(report.to_data())
    else:
        rows = [
            (f"{low:.0%} to {low + 0.1:.0%}", str(n), f"{said:.2f}", f"{right:.2f}")
            for low, n, said, right in report.bins
        ]
        print_table([("TOLD", "BOXES", "MEAN", "RIGHT"), *rows])
        print_note(
            f"Expected calibration error on {report.boxes} unseen boxes: {report.error:.3f} "
            f"(before: {report.error_before:.3f})."
        )
    if save:
        print_note(f"Saved {lazy.save_calibration(model.spec, report)}.")
