"""Votes summed by the time when they were cast, for ratings over time."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from vlm_demo.arena.votes.schema import rated, votes
from vlm_demo.arena.votes.selection import Selection
from vlm_demo.arena.votes.vote import Origin
from vlm_demo.arena.votes.vote_counts import Cell, sums

DAY = 86_400_000_000
"""Microseconds."""


def count_by_period(connection: Connection, selection: Selection, most: int) -> list[Cell]:
    """Sum the votes of a selection by pair and period, in the order of time.

    A period is a day, or so many days that there are `most` periods; `day` is the last of each.
    """
    automatic = votes.c.origin == Origin.AUTOMATIC.value
    chosen = [rated, automatic if selection.automatic else ~automatic]
    if selection.task:
        chosen.append(votes.c.task == str(selection.task))
    if selection.language:
        chosen.append(votes.c.language == selection.language)
    if selection.voter:
        chosen.append(votes.c.voter == selection.voter)
    winner = votes.c.boxes if selection.boxes else votes.c.winner
    if selection.boxes:
        chosen.append(winner.is_not(None))
    ends = select(func.min(votes.c.voted_at), func.max(votes.c.voted_at)).where(*chosen)
    sooner, later = connection.execute(ends).one()
    if sooner is None:
        return []
    first, last = sooner // DAY, later // DAY
    days = -(-(last - first + 1) // most)
    period = (votes.c.voted_at // DAY - first) // days
    by = votes.c.model_a, votes.c.model_b, period
    query = select(*by, *sums(winner)).where(*chosen).group_by(*by)
    cells = []
    for a, b, number, wins_a, wins_b, ties, count in connection.execute(query):
        day = min(first + (number + 1) * days - 1, last)
        pair = (a, b, wins_a, wins_b) if a <= b else (b, a, wins_b, wins_a)
        cells.append(Cell("", "", "", selection.boxes, day, *pair, ties, count))
    return sorted(cells, key=lambda cell: cell.day)
