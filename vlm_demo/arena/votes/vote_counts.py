"""Votes summed by what they say, which is all that ratings need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, func, select

from vlm_demo.arena.votes.schema import rated, votes
from vlm_demo.arena.votes.vote import Winner


class Cell(NamedTuple):
    """Votes that say the same, summed; none that is excluded from ratings."""

    task: str
    language: str
    origin: str
    boxes: bool  # whether these are the votes on the boxes alone
    day: int  # since 1970-01-01 UTC, or 0 where all days are summed
    model_a: str  # the one whose name comes first, however they stood
    model_b: str
    wins_a: float  # sums of weights
    wins_b: float
    ties: float  # both bad is a tie
    votes: int


def count(
    connection: Connection,
    *,
    after: int = 0,
    until: int | None = None,
    voter: str = "",
) -> list[Cell]:
    """Sum the votes behind a place in the chain, up to another, of everybody or of one voter."""
    groups = [votes.c[name] for name in ("task", "language", "origin", "model_a", "model_b")]
    query = select(*groups, *sums(votes.c.winner), *sums(votes.c.boxes)).group_by(*groups)
    # SQLite does not know how many rows are meant. The odd forms keep it from the wrong index: from
    # that of all rated votes where few are new, and from that of places where all are counted.
    if after:
        unmarked = func.coalesce(votes.c.exclusion, "") == ""
        query = query.where(unmarked, votes.c.winner.is_not(None), votes.c.seq > after)
    else:
        query = query.where(rated)
    if until is not None:
        query = query.where(votes.c.seq + 0 <= until)
    if voter:
        query = query.where(votes.c.voter == voter)
    return _cells(connection.execute(query))


def sums(winner: Column[str | None]) -> tuple[ColumnElement[Any], ...]:
    """Sum the weights where a won, where b won, and where neither did; and count all three."""
    weight = func.sum(votes.c.weight)
    a, b = Winner.A.value, Winner.B.value
    sums = (weight.filter(said) for said in (winner == a, winner == b, winner.not_in((a, b))))
    return *(func.coalesce(each, 0.0) for each in sums), func.count(winner)


def _cells(rows: Iterable[Sequence[Any]]) -> list[Cell]:
    """Put together what stood the one way and the other way round."""
    cells: dict[tuple[Any, ...], Cell] = {}
    for task, language, origin, a, b, *said in rows:
        for boxes, (wins_a, wins_b, ties, number) in ((False, said[:4]), (True, said[4:])):
            if not number:
                continue
            pair = (a, b, wins_a, wins_b) if a <= b else (b, a, wins_b, wins_a)
            new = Cell(task, language, origin, boxes, 0, *pair, ties, number)
            key = new[:7]
            cells[key] = _together(cells[key], new) if key in cells else new
    return list(cells.values())


def _together(one: Cell, other: Cell) -> Cell:
    return one._replace(
        wins_a=one.wins_a + other.wins_a,
        wins_b=one.wins_b + other.wins_b,
        ties=one.ties + other.ties,
        votes=one.votes + other.votes,
    )
