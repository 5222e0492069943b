"""The command that says which models people prefer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlm_demo.arena import Selection
from vlm_demo.cli import lazy as edges
from vlm_demo.cli.options import AsJson, missing_votes
from vlm_demo.cli.terminal import print_note, table
from vlm_demo.cli.votes import Votes
from vlm_demo.rendering.export import as_json
from vlm_demo.settings import Settings
from vlm_demo.values import Task

if TYPE_CHECKING:
    from vlm_demo.arena.ratings.ratings import Standing

BAR = 30
"""Characters that the intervals are drawn in."""


def leaderboard(
    votes: Votes = None,
    task: Annotated[Task | None, typer.Option(help="Only votes on this task.")] = None,
    language: Annotated[
        str, typer.Option(metavar="CODE", help="Only votes in this language: en, ja, ...")
    ] = "",
    boxes: Annotated[
        bool, typer.Option("--boxes", help="The votes on boxes, instead of whole answers.")
    ] = False,
    automatic: Annotated[
        bool, typer.Option("--automatic", help="What the program judged, instead of people.")
    ] = False,
    as_json_: AsJson = False,
) -> None:
    """Rate the models by the votes on them, best first.

    Ratings are on the scale of Elo with a mean of 1000, and 95 % sure to be within their interval.
    RANK is one more than there are models that are surely better.
    """
    selection = Selection(task or "", language.lower(), boxes=boxes, automatic=automatic)
    standings = _standings(Settings.read({"votes": votes}), selection)
    if as_json_:
        sys.stdout.write(as_json([entry(standing) for standing in standings]))
    elif standings:
        print(table(lines(standings)))
    else:
        print_note("There are no such votes yet.")


def _standings(settings: Settings, selection: Selection) -> Sequence[Standing]:
    """Read the votes; looking for a file that is not there makes no new one."""
    if missing := missing_votes(settings):
        print_note(f"There is no file {missing}.")
        return ()
    return edges.standings(settings, selection)


def entry(standing: Standing) -> dict[str, Any]:
    """Return how a model stands, as it is written in JSON."""
    return {
        "model": standing.model,
        "rating": round(standing.rating, 2),
        "lower": round(standing.lower, 2),
        "upper": round(standing.upper, 2),
        "rank": standing.rank,
        "votes": standing.votes,
        "provisional": standing.provisional,
    }


def lines(standings: Sequence[Standing]) -> list[tuple[str, ...]]:
    """Return a table of how models stand, its heading first."""
    lowest = min(standing.lower for standing in standings)
    highest = max(standing.upper for standing in standings)

    def place(rating: float) -> int:
        return round((rating - lowest) / (highest - lowest or 1) * (BAR - 1))

    def line(standing: Standing) -> tuple[str, ...]:
        start, middle, end = map(place, (standing.lower, standing.rating, standing.upper))
        bar = " " * start + "-" * (middle - start) + "o" + "-" * (end - middle)
        return (
            str(standing.rank),
            standing.model,
            f"{standing.rating:.0f}",
            f"+-{standing.upper - standing.rating:.0f}",
            bar.ljust(BAR),
            str(standing.votes),
            f"{standing.win_rate:.0%}",
            "provisional" if standing.provisional else "",
        )

    heading = ("RANK", "MODEL", "RATING", "95 %", "INTERVAL", "VOTES", "WINS", "")
    return [heading, *map(line, standings)]
