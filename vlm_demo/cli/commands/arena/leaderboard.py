"""The command that rates models by the votes on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlm_demo.arena import Category, Selection
from vlm_demo.cli import lazy
from vlm_demo.cli.options import JsonOutput, Votes, missing_votes_file
from vlm_demo.cli.terminal import print_json, print_note, print_table
from vlm_demo.errors import InputError
from vlm_demo.settings import Settings
from vlm_demo.values import Task

if TYPE_CHECKING:
    from vlm_demo.arena.ratings.ratings import RatedModel

BAR_WIDTH = 30
"""Width of the column in which the intervals are drawn, in characters."""


def leaderboard(
    votes: Votes = None,
    task: Annotated[Task | None, typer.Option(help="Only votes on this task.")] = None,
    language: Annotated[
        str, typer.Option(metavar="CODE", help="Only votes in this language: en, ja, ...")
    ] = "",
    boxes: Annotated[
        bool, typer.Option("--boxes", help="The votes on boxes instead of whole answers.")
    ] = False,
    automatic: Annotated[
        bool, typer.Option("--automatic", help="What the program judged instead of people.")
    ] = False,
    category: Annotated[
        Category | None, typer.Option(help="Only votes on questions of this kind.")
    ] = None,
    judge: Annotated[
        str, typer.Option(metavar="MODEL", help="What this judge model said instead of people.")
    ] = "",
    json_output: JsonOutput = False,
) -> None:
    """Rate the models by the votes on them, best first.

    Ratings are on the scale of Elo with a mean of 1000, with 95 % confidence intervals. RANK is one
    more than the number of models that are surely better.
    """
    selection = Selection(
        task or "", language.lower(), boxes=boxes, automatic=automatic, category=category or ""
    )
    if judge and (boxes or automatic):
        raise InputError("Judge models judge whole answers that people have voted on.")
    ratings = _read_ratings(Settings.read({"votes": votes}), selection, judge)
    if json_output:
        print_json([to_entry(standing) for standing in ratings])
    elif ratings:
        print_table(leaderboard_rows(ratings))
    else:
        print_note("There are no such votes yet.")


def _read_ratings(settings: Settings, selection: Selection, judge: str) -> Sequence[RatedModel]:
    """Rate the models; a file that does not exist is not made."""
    if missing := missing_votes_file(settings):
        print_note(f"There is no file {missing}.")
        return ()
    return lazy.rate_models(settings, selection, judge)


def to_entry(standing: RatedModel) -> dict[str, Any]:
    """Return the rating of a model as plain data."""
    return {
        "model": standing.model,
        "rating": round(standing.rating, 2),
        "lower": round(standing.lower, 2),
        "upper": round(standing.upper, 2),
        "rank": standing.rank,
        "votes": standing.votes,
        "provisional": standing.provisional,
    }


def leaderboard_rows(ratings: Sequence[RatedModel]) -> list[tuple[str, ...]]:
    """Return the rows of a leaderboard, the heading first."""
    lowest = min(standing.lower for standing in ratings)
    highest = max(standing.upper for standing in ratings)

    def column(rating: float) -> int:
        return round((rating - lowest) / (highest - lowest or 1) * (BAR_WIDTH - 1))

    def row(standing: RatedModel) -> tuple[str, ...]:
        start, middle, end = map(column, (standing.lower, standing.rating, standing.upper))
        bar = " " * start + "-" * (middle - start) + "o" + "-" * (end - middle)
        return (
            str(standing.rank),
            standing.model,
            f"{standing.rating:.0f}",
            f"+-{standing.upper - standing.rating:.0f}",
            bar.ljust(BAR_WIDTH),
            str(standing.votes),
            f"{standing.win_rate:.0%}",
            "provisional" if standing.provisional else "",
        )

    heading = ("RANK", "MODEL", "RATING", "95 %", "INTERVAL", "VOTES", "WINS", "")
    return [heading, *map(row, ratings)]
