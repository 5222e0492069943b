"""Builds a database of votes from copies of its chain, whole or damaged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vlm_demo.arena.ledger.entries import LedgerEntry
from vlm_demo.arena.ledger.ledger import PAGE, Ledger
from vlm_demo.arena.votes.store import VoteStore


@dataclass(slots=True)
class LedgerRebuild:
    """Takes entries in their order, and keeps each as well as can be.

    As long as the entries follow one another they are written as they were, and the chain is the
    same as before. From the first gap or fork on, votes are added as new ones at its end.
    """

    ledger: Ledger
    store: VoteStore
    restored: int = 0  # entries in their old places
    appended: int = 0  # votes in new places
    withdrawn: int = 0  # votes of the database here that the copy says are withdrawn
    _waiting: list[LedgerEntry] = field(default_factory=list)
    _battles: dict[int, str] = field(default_factory=dict)  # of votes in new places, by the old

    def add(self, entries: Iterable[LedgerEntry]) -> None:
        """Keep the entries."""
        for entry in entries:
            self._waiting.append(entry)
            if len(self._waiting) == PAGE:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        restored = 0 if self._battles else self.ledger.append(waiting)
        self.restored += restored
        links = self.ledger.links([entry.seq for entry in waiting[restored:]])
        self._merge([e for e in waiting[restored:] if links.get(e.seq) != e.link])

    def _merge(self, entries: Sequence[LedgerEntry]) -> None:
        """Add the votes that are missing here, and withdraw those that the copy withdrew."""
        votes = [entry for entry in entries if entry.kind == "vote"]
        self._battles.update((entry.seq, entry.fields["battle"]) for entry in votes)
        added, _ = self.store.add_all(entry.vote() for entry in votes if not entry.is_withdrawn)
        self.appended += added
        for entry in entries:
            if entry.kind == "withdrawal":
                seq = entry.fields["vote"]
                battle = self._battles.get(seq) or self.ledger.battle(seq)
                self.withdrawn += self.store.delete(battle=battle) if battle else 0
