"""Sums of votes in memory, kept up to date by reading only what came since."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from threading import Lock

from vlm_demo.arena.chain import FIRST, Head
from vlm_demo.arena.counting import Cell
from vlm_demo.arena.selection import Selection
from vlm_demo.arena.store import VoteStore
from vlm_demo.arena.votes import Origin

Sums = dict[tuple[str, str], Cell]
"""By the two models. What else a cell says is that of the first that was added."""

_EMPTY = Head(0, FIRST, 0)


class Tally:
    """All votes of a store that count, summed for each selection; for any number of threads.

    Every method raises VotesError where the database cannot be read; what was read before stays.
    """

    def __init__(self, store: VoteStore) -> None:
        self._store = store
        self._lock = Lock()
        self._head = _EMPTY
        self._sums: defaultdict[Selection, Sums] = defaultdict(dict)

    def cells(self, selection: Selection) -> list[Cell]:
        """Return the sums of a selection that is not one voter's, as they are now."""
        with self._lock:
            self._catch_up()
            return list(self._sums.get(selection, {}).values())

    def selections(self) -> list[Selection]:
        """Return those for which there are votes."""
        with self._lock:
            self._catch_up()
            return list(self._sums)

    def _catch_up(self) -> None:
        head = self._store.head()
        if head == self._head:
            return
        grown = head.deletions == self._head.deletions and head.seq > self._head.seq
        new = self._store.cells(after=self._head.seq if grown else 0, until=head.seq)
        if not grown:
            self._sums.clear()
        for cell in new:
            for selection in _selections(cell.task, cell.language, cell.origin, cell.boxes):
                add(self._sums[selection], cell)
        self._head = head


@lru_cache
def _selections(task: str, language: str, origin: str, boxes: bool) -> frozenset[Selection]:
    """Return all that votes belong to."""
    automatic = origin == Origin.AUTOMATIC
    return frozenset(
        Selection(of_task, of_language, boxes=boxes, automatic=automatic)
        for of_task in ("", task)
        for of_language in ("", language)
    )


def add(sums: Sums, cell: Cell) -> None:
    """Add a cell to the sum of its two models."""
    pair = cell.model_a, cell.model_b
    known = sums.get(pair)
    if known is not None:
        cell = known._replace(
            wins_a=known.wins_a + cell.wins_a,
            wins_b=known.wins_b + cell.wins_b,
            ties=known.ties + cell.ties,
            votes=known.votes + cell.votes,
        )
    sums[pair] = cell
