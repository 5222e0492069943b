"""Sums of the votes in memory, kept up to date by reading only new votes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from threading import Lock

from vlm_demo.arena.votes.chain import FIRST_LINK, ChainHead
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Origin, Selection
from vlm_demo.arena.votes.vote_counts import PairCount

_EMPTY = ChainHead(0, FIRST_LINK, 0)


class PairSums:
    """Votes summed by pair of models."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], list[float]] = {}

    def add(self, count: PairCount) -> None:
        """Add votes; written for speed, since there may be many counts."""
        *_, a, b, wins_a, wins_b, ties, votes, _ = count
        sums = self._sums.get((a, b))
        if sums is None:
            self._sums[a, b] = [wins_a, wins_b, ties, votes]
        else:
            sums[0] += wins_a
            sums[1] += wins_b
            sums[2] += ties
            sums[3] += votes

    def pair_counts(self) -> list[PairCount]:
        """Return one count per pair of models; its other fields are empty."""
        return [
            PairCount("", "", "", False, 0, *pair, wins_a, wins_b, ties, int(votes))
            for pair, (wins_a, wins_b, ties, votes) in self._sums.items()
        ]


class VoteTally:
    """The votes of a store that count in ratings, summed by selection; for any number of threads.

    Every method raises VotesError when the database cannot be read; earlier sums stay.
    """

    def __init__(self, store: VoteStore) -> None:
        self._store = store
        self._lock = Lock()
        self._head = _EMPTY
        self._sums: defaultdict[Selection, PairSums] = defaultdict(PairSums)

    def pair_counts(self, selection: Selection) -> list[PairCount]:
        """Return the current sums of a selection that names no voter."""
        with self._lock:
            self._catch_up()
            return self._sums[selection].pair_counts() if selection in self._sums else []

    def selections(self) -> list[Selection]:
        """Return the selections that have votes."""
        with self._lock:
            self._catch_up()
            return list(self._sums)

    def _catch_up(self) -> None:
        head = self._store.head()
        if head == self._head:
            return
        has_grown = head.deletions == self._head.deletions and head.seq > self._head.seq
        new = self._store.count_pairs(after=self._head.seq if has_grown else 0, until=head.seq)
        if not has_grown:
            self._sums.clear()
        self._add(new)
        self._head = head

    def _add(self, counts: Iterable[PairCount]) -> None:
        """Add votes to the sums of all selections that cover them."""
        sums_of: dict[tuple[str, str, str, bool, str], list[PairSums]] = {}
        for count in counts:
            kind = (*count[:4], count.category)
            if kind not in sums_of:
                sums_of[kind] = [self._sums[each] for each in _covering_selections(*kind)]
            for sums in sums_of[kind]:
                sums.add(count)


def _covering_selections(
    task: str, language: str, origin: str, boxes: bool, category: str
) -> set[Selection]:
    """Return the selections that cover votes of this kind."""
    automatic = origin == Origin.AUTOMATIC
    return {
        Selection(of_task, of_language, boxes=boxes, automatic=automatic, category=of_category)
        for of_task in ("", task)
        for of_language in ("", language)
        for of_category in ("", category)
    }
