"""The command that measures how fast the program is."""

from __future__ import annotations

from typing import Annotated

import typer

from vlm_demo.bench.measures import check_ids
from vlm_demo.bench.options import BenchOptions
from vlm_demo.bench.results import BenchReport, BenchRow
from vlm_demo.cli import lazy
from vlm_demo.cli.options import JsonOutput
from vlm_demo.cli.terminal import print_json, print_note, print_table
from vlm_demo.errors import SettingsError


def bench(
    json_output: JsonOutput = False,
    only: Annotated[
        str | None, typer.Option(metavar="ID,ID", help="Measure these rows, not all.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed draws other weights, images and questions.")
    ] = 0,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of each comparison.")] = 3,
    turns: Annotated[int, typer.Option(min=2, max=40, help="Turns of a chat.")] = 8,
    requests: Annotated[int, typer.Option(min=1, max=64, help="Requests at the same time.")] = 8,
    new_tokens: Annotated[int, typer.Option(min=4, max=512, help="Tokens of an answer.")] = 64,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each side.")] = 1,
    votes: Annotated[
        int,
        typer.Option(min=1, help="Votes in the database when the cost of one more is measured."),
    ] = 1_000_000,
    postgresql: Annotated[
        str,
        typer.Option(metavar="URL", help="An empty database, to measure the cost of votes there."),
    ] = "",
    vllm: Annotated[
        str,
        typer.Option(
            metavar="PYTHON",
            envvar="VLM_DEMO_VLLM",
            help="Python of an environment with vLLM, to compare with it.",
        ),
    ] = "",
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Try it out on tiny models; the figures are meaningless.")
    ] = False,
) -> None:
    """Compare the program's speed with other ways to run a model."""
    options = BenchOptions(
        seed=seed,
        repeats=repeats,
        turns=turns,
        requests=requests,
        new_tokens=new_tokens,
        threads=threads,
        votes=votes,
        postgresql=postgresql,
        vllm=vllm,
        tiny=tiny,
        only=parse_ids(only),
    )
    report = lazy.bench(options, print_note)
    if json_output:
        print_json(report.to_json())
    else:
        print_table(_rows(report))


def parse_ids(text: str | None) -> frozenset[str]:
    """Split a list of row ids at its commas; an empty set stands for all.

    Raises:
        BadParameter: there is no such row.
    """
    if text is None:
        return frozenset()
    try:
        ids = check_ids(name.strip() for name in text.split(",") if name.strip())
    except SettingsError as error:
        raise typer.BadParameter(str(error), param_hint="'--only'") from error
    if not ids:
        raise typer.BadParameter("give row ids with commas between.", param_hint="'--only'")
    return ids


def _rows(report: BenchReport) -> list[tuple[str, ...]]:
    heading = ("ROW", "VALUE", "SPREAD", "TARGET", "MET", "SAME TEXT", "WHAT")
    return [heading, *map(_row, report.rows)]


def _row(row: BenchRow) -> tuple[str, ...]:
    measure = row.measure
    bound = "at most" if measure.at_most else "at least"
    return (
        row.id,
        _figure(row.value, measure.unit),
        " to ".join(_figure(value) for value in row.spread or ()) or "-",
        "-" if measure.target is None else f"{bound} {_figure(measure.target, measure.unit)}",
        _yes_or_no(row.is_met),
        row.difference or _yes_or_no(row.identical),
        f"{measure.what} ({row.note})" if row.note else measure.what,
    )


def _figure(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.3g} {unit}".rstrip()


def _yes_or_no(fact: bool | None) -> str:
    return "-" if fact is None else "yes" if fact else "NO"
