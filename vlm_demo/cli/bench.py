"""The command that measures how fast the program is."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vlm_demo.bench.rows import Options, Report, Row, check_ids
from vlm_demo.cli import lazy as edges
from vlm_demo.cli.options import AsJson
from vlm_demo.cli.terminal import print_note, table
from vlm_demo.errors import SettingsError
from vlm_demo.rendering.export import as_json


def bench(
    as_json_: AsJson = False,
    only: Annotated[
        str | None, typer.Option(metavar="ID,ID", help="Measure these rows, not all.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed draws other weights, pictures and questions.")
    ] = 0,
    repeats: Annotated[int, typer.Option(min=1, help="Of each comparison.")] = 3,
    turns: Annotated[int, typer.Option(min=2, max=40, help="Of a chat.")] = 8,
    requests: Annotated[int, typer.Option(min=1, max=64, help="At the same time.")] = 8,
    new_tokens: Annotated[int, typer.Option(min=4, max=512, help="Of an answer.")] = 64,
    threads: Annotated[int, typer.Option(min=1, help="Of the CPU, each side.")] = 1,
    votes: Annotated[
        int, typer.Option(min=1, help="In the database when the cost of more is measured.")
    ] = 1_000_000,
    postgresql: Annotated[
        str, typer.Option(metavar="URL", help="An empty database, for the cost of votes there.")
    ] = "",
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Try it out on tiny models; the figures mean nothing.")
    ] = False,
) -> None:
    """Measure how fast the program is, beside the usual ways to run the same models."""
    options = Options(
        seed=seed,
        repeats=repeats,
        turns=turns,
        requests=requests,
        new_tokens=new_tokens,
        threads=threads,
        votes=votes,
        postgresql=postgresql,
        tiny=tiny,
        only=parse_ids(only),
    )
    report = edges.bench(options, print_note)
    if as_json_:
        sys.stdout.write(as_json(report.to_json()))
    else:
        print(table(_lines(report)))


def parse_ids(text: str | None) -> frozenset[str]:
    """Split a list of rows at its commas; without a list, all are meant.

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
        raise typer.BadParameter("give ids of rows with commas between.", param_hint="'--only'")
    return ids


def _lines(report: Report) -> list[tuple[str, ...]]:
    heading = ("ROW", "VALUE", "SPREAD", "TARGET", "MET", "SAME TEXT", "WHAT")
    return [heading, *map(_line, report.rows)]


def _line(row: Row) -> tuple[str, ...]:
    measure = row.measure
    bound = "at most" if measure.at_most else "at least"
    return (
        row.id,
        _figure(row.value, measure.unit),
        " to ".join(_figure(value) for value in row.spread or ()) or "-",
        "-" if measure.target is None else f"{bound} {_figure(measure.target, measure.unit)}",
        _yes_or_no(row.met),
        _yes_or_no(row.identical),
        f"{measure.what} ({row.note})" if row.note else measure.what,
    )


def _figure(value: float | None, unit: str = "") -> str:
    return "-" if value is None else f"{value:.3g} {unit}".rstrip()


def _yes_or_no(fact: bool | None) -> str:
    return "-" if fact is None else "yes" if fact else "NO"
