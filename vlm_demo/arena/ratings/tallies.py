"""Sums of votes in memory, kept up to date by reading only what came since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from threading import Lock

from vlm_demo.arena.votes.chain import FIRST, Head
from vlm_demo.arena.votes.selection import Selection
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Origin
from vlm_demo.arena.votes.vote_counts import Cell

_EMPTY = Head(0, FIRST, 0)


class Sums:
    """Votes summed by the two models that they are about."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], list[float]] = {}

    def add(self, cell: Cell) -> None:
        """Add votes. There may be many cells, so this is written to be quick."""
        *_, a, b, wins_a, wins_b, ties, votes = cell
        known = self._sums.get((a, b))
        if known is None:
            self._sums[a, b] = [wins_a, wins_b, ties, votes]
        else:
            known[0] += wins_a
            known[1] += wins_b
            known[2] += ties
            known[3] += votes

    def cells(self) -> list[Cell]:
        """Return a cell for each two models; what else a cell says is empty."""
        return [
            Cell("", "", "", False, 0, *pair, wins_a, wins_b, ties, int(votes))
            for pair, (wins_a, wins_b, ties, votes) in self._sums.items()
        ]


class Tally:
    """All votes of a store that count, summed for each selection; for any number of threads.

    Every method raises VotesError where the database cannot be read; what was read before stays.
    """

    def __init__(self, store: VoteStore) -> None:
        self._store = store
        self._lock = Lock()
        self._head = _EMPTY
        self._sums: defaultdict[Selection, Sums] = defaultdict(Sums)

    def cells(self, selection: Selection) -> list[Cell]:
        """Return the sums of a selection that is not one voter's, as they are now."""
        with self._lock:
            self._catch_up()
            return self._sums[selection].cells() if selection in self._sums else []

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
        self._add(new)
        self._head = head

    def _add(self, cells: Iterable[Cell]) -> None:
        """Add votes to the sums of all selections that they belong to."""
        belong: dict[tuple[str, str, str, bool], list[Sums]] = {}
        for cell in cells:
            kind = cell[:4]
            if kind not in belong:
                belong[kind] = [self._sums[selection] for selection in _selections(*kind)]
            for sums in belong[kind]:
                sums.add(cell)


def _selections(task: str, language: str, origin: str, boxes: bool) -> set[Selection]:
    """Return all that votes belong to."""
    automatic = origin == Origin.AUTOMATIC
    return {
        Selection(of_task, of_language, boxes=boxes, automatic=automatic)
        for of_task in ("", task)
        for of_language in ("", language)
    }
