"""Votes summed by pair of models, which is all that ratings need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, and_, func, or_, select

from vlm_demo.arena.votes.categories import TASK_CATEGORIES, category_of_task
from vlm_demo.arena.votes.schema import counts_in_ratings, votes
from vlm_demo.arena.votes.vote import Origin, Selection, Winner

DAY = 86_400_000_000
"""A day in microseconds."""


class PairCount(NamedTuple):
    """Sum of votes that agree in these fields; votes excluded from ratings are not in it."""

    task: str
    language: str
    origin: str
    boxes: bool  # whether these are the votes on the boxes alone
    day: int  # since 1970-01-01 UTC, or 0 where all days are summed
    model_a: str  # the one whose name comes first, whichever side it was on
    model_b: str
    wins_a: float  # sums of weights
    wins_b: float
    ties: float  # "both bad" counts as a tie
    votes: int
    category: str = ""  # what was asked for; "": not known, or all of them

    def belongs_to(self, selection: Selection) -> bool:
        """Whether a selection covers these votes, whoever cast them."""
        return (
            self.boxes == selection.boxes
            and (self.origin == Origin.AUTOMATIC) == selection.automatic
            and selection.task in ("", self.task)
            and selection.language in ("", self.language)
            and selection.category in ("", self.category)
        )


def count_pairs(
    connection: Connection,
    *,
    after: int = 0,
    until: int | None = None,
    voter: str = "",
) -> list[PairCount]:
    """Sum the votes after a position in the chain and up to another, of everybody or one voter."""
    groups = [votes.c[name] for name in ("task", "language", "origin", "category")]
    groups += [votes.c.model_a, votes.c.model_b]
    query = select(*groups, *sum_columns(votes.c.winner), *sum_columns(votes.c.boxes)).group_by(
        *groups
    )
    # SQLite cannot know how many rows will match. The odd forms keep it from the wrong index: that
    # of all rated votes when few are new, and that of the positions when all are counted.
    if after:
        is_rated = func.coalesce(votes.c.exclusion, "") == ""
        query = query.where(is_rated, votes.c.winner.is_not(None), votes.c.seq > after)
    else:
        query = query.where(counts_in_ratings)
    if until is not None:
        query = query.where(votes.c.seq + 0 <= until)
    if voter:
        query = query.where(votes.c.voter == voter)
    return merge_orders(connection.execute(query))


def count_pairs_by_period(
    connection: Connection, selection: Selection, max_periods: int
) -> list[PairCount]:
    """Sum the votes of a selection by pair and period, in the order of time.

    A period is a day, or as many days as keep the number of periods within `max_periods`; `day` is
    the last day of each.
    """
    conditions = [counts_in_ratings, *matches_selection(selection)]
    winner = votes.c.boxes if selection.boxes else votes.c.winner
    if selection.boxes:
        conditions.append(winner.is_not(None))
    ends = select(func.min(votes.c.voted_at), func.max(votes.c.voted_at)).where(*conditions)
    earliest, latest = connection.execute(ends).one()
    if earliest is None:
        return []
    first, last = earliest // DAY, latest // DAY
    days = -(-(last - first + 1) // max_periods)
    period = (votes.c.voted_at // DAY - first) // days
    groups = votes.c.model_a, votes.c.model_b, period
    query = select(*groups, *sum_columns(winner)).where(*conditions).group_by(*groups)
    counts = []
    for a, b, number, wins_a, wins_b, ties, count in connection.execute(query):
        day = min(first + (number + 1) * days - 1, last)
        pair = (a, b, wins_a, wins_b) if a <= b else (b, a, wins_b, wins_a)
        counts.append(PairCount("", "", "", selection.boxes, day, *pair, ties, count))
    return sorted(counts, key=lambda count: count.day)


def matches_selection(selection: Selection) -> list[ColumnElement[bool]]:
    """Return the conditions that a row is of a selection, boxes left aside."""
    automatic = votes.c.origin == Origin.AUTOMATIC.value
    conditions = [automatic if selection.automatic else ~automatic]
    if selection.task:
        conditions.append(votes.c.task == str(selection.task))
    if selection.language:
        conditions.append(votes.c.language == selection.language)
    if selection.voter:
        conditions.append(votes.c.voter == selection.voter)
    if selection.category:
        deciding = [
            task.value for task, each in TASK_CATEGORIES.items() if each == selection.category
        ]
        by_task = and_(votes.c.category.is_(None), votes.c.task.in_(deciding))
        conditions.append(or_(votes.c.category == str(selection.category), by_task))
    return conditions


def sum_columns(winner: Column[str | None]) -> tuple[ColumnElement[Any], ...]:
    """Sum the weights of wins of a, wins of b and ties, and count the votes."""
    weight = func.sum(votes.c.weight)
    a, b = Winner.A.value, Winner.B.value
    outcomes = (winner == a, winner == b, winner.not_in((a, b)))
    sums = (func.coalesce(weight.filter(outcome), 0.0) for outcome in outcomes)
    return *sums, func.count(winner)


def merge_orders(rows: Iterable[Sequence[Any]]) -> list[PairCount]:
    """Add up the counts of two models that met on either side of each other.

    Args:
        rows: task, language, origin, category, both models, and the sums of `sum_columns` for
            whole answers and for boxes.
    """
    merged: dict[tuple[Any, ...], PairCount] = {}
    for task, language, origin, stored, a, b, *sums in rows:
        category = stored or category_of_task(task)
        for boxes, (wins_a, wins_b, ties, number) in ((False, sums[:4]), (True, sums[4:])):
            if not number:
                continue
            pair = (a, b, wins_a, wins_b) if a <= b else (b, a, wins_b, wins_a)
            new = PairCount(task, language, origin, boxes, 0, *pair, ties, number, category)
            key = (*new[:7], category)
            merged[key] = _add_counts(merged[key], new) if key in merged else new
    return list(merged.values())


def _add_counts(one: PairCount, other: PairCount) -> PairCount:
    return one._replace(
        wins_a=one.wins_a + other.wins_a,
        wins_b=one.wins_b + other.wins_b,
        ties=one.ties + other.ties,
        votes=one.votes + other.votes,
    )
