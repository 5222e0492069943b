"""The command that measures how often a model is right."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlm_demo.cli import lazy
from vlm_demo.cli.model import ModelOptions, SelectedModel
from vlm_demo.cli.options import JsonOutput
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, print_note, print_table
from vlm_demo.errors import SettingsError

if TYPE_CHECKING:
    from vlm_demo.evaluation.published.benchmark import PublishedBenchmark


class Harness(StrEnum):
    """Programs that can run a benchmark in the place of this one."""

    LMMS_EVAL = "lmms-eval"


@expand_options
def evaluate(
    benchmark: Annotated[
        str, typer.Option(help="The questions: scenes, pope and so on; --list shows all.")
    ] = "scenes",
    data: Annotated[
        Path | None,
        typer.Option(
            help="The folder of a published benchmark, in the layout of its authors; for own, the "
            "ZIP of questions that the page saves. Nothing is downloaded."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed draws other images or questions.")
    ] = 0,
    count: Annotated[
        int | None, typer.Option("--n", "--limit", min=1, help="About how many questions.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the result and the answers; a run that was stopped goes on there. "
            "Default: a folder of its own in evaluations/BENCHMARK, which the page finds."
        ),
    ] = None,
    judge: Annotated[
        str, typer.Option(metavar="MODEL", help="The model that marks answers, for heron-bench.")
    ] = "",
    list_all: Annotated[
        bool, typer.Option("--list", help="Show all benchmarks, and what each needs.")
    ] = False,
    harness: Annotated[
        Harness | None,
        typer.Option(help="Print the command by which this program runs it against /v1."),
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Run the command of --harness instead of printing it.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(help="Where /v1 is, for --harness. Default: as vlm-demo serve --api has it."),
    ] = None,
    json_output: JsonOutput = False,
    *,
    options: ModelOptions,
) -> None:
    """Measure how often a model is right, on unseen pictures or by the rules of a benchmark."""
    if list_all:
        _print_list(json_output=json_output)
        return
    published = lazy.find_published(benchmark)
    if harness is not None:
        if published is None:
            raise SettingsError(f"{harness} has no benchmark like {benchmark}.")
        _use_harness(published, options.select(), address, limit=count, out=out, run=run)
        return
    model = options.select()
    name, below = model.spec.name, model.settings.evaluations
    how = {"data": data, "out": out, "below": below, "limit": count, "seed": seed, "judge": judge}
    if published is not None:
        result = lazy.run_published(published, model.backend, name, **how)
        _print_result(result, model, json_output=json_output)
        return
    result, scores = lazy.run_benchmark(benchmark, model.backend, name, **how)
    if json_output:
        print_json(dict(scores))
        return
    _print_scores(name, scores, result)
    print_note(f"The result and all answers are in {result['folder']}.")


def _use_harness(
    benchmark: PublishedBenchmark,
    model: SelectedModel,
    address: str | None,
    *,
    limit: int | None,
    out: Path | None,
    run: bool,
) -> None:
    """Print the command of lmms-eval, or run it."""
    folder = out or model.settings.evaluations / "lmms-eval"
    options = {"limit": limit, "out": folder, **({"address": address} if address else {})}
    if not run:
        print(shlex.join(lazy.harness_command(benchmark, model.spec.name, **options)))
        return
    command = lazy.harness_command(benchmark, model.spec.name, python=sys.executable, **options)
    failed = lazy.run_harness(command, folder)
    if failed:
        print_note(f"{failed} requests failed, and lmms-eval counts them as wrong answers.")


def _print_list(*, json_output: bool) -> None:
    benchmarks = lazy.list_benchmarks()
    if json_output:
        print_json(benchmarks)
        return
    for one in benchmarks:
        print(one["name"])
        print(f"  needs: {one['needs']}")
        if one["rule"]:
            print(f"  rule:  {one['rule']}")


def _print_result(
    result: dict[str, Any],
    model: SelectedModel,
    *,
    json_output: bool,
) -> None:
    if json_output:
        print_json(result)
        return
    scores = {**result["results"], "n": result["n-samples"]}
    _print_scores(model.spec.name, scores, result)
    print_note(f"Rule: {result['rule']}.")
    for key, note in result["notes"].items():
        print_note(f"{key.replace('_', ' ')}: {note}.")
    if result["failed"]:
        print_note(f"{result['failed']} questions could not be asked, and count as wrong.")
    print_note(f"The result and all answers are in {result['folder']}.")


def _print_scores(
    model: str, scores: Mapping[str, float | int | None], result: Mapping[str, Any]
) -> None:
    rows = [("SCORE", model), *((key, _figure(value)) for key, value in scores.items())]
    if interval := result["interval_95"]:
        span = f"{interval['low']:.3f} - {interval['high']:.3f}"
        rows.append((f"{result['measure']}, 95 %", span))
    print_table(rows)


def _figure(value: float | int | None) -> str:
    if value is None:
        return "not measured"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
