"""Builds a database of votes from copies of its chain, whole or damaged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vlm_demo.arena.ledger.entries import Entry
from vlm_demo.arena.ledger.journal import PAGE, Journal
from vlm_demo.arena.votes.store import VoteStore


@dataclass(slots=True)
class Rebuilding:
    """Takes entries in their order, and keeps each as well as can be.

    While the entries follow one another they are written as they were, and the chain is the same
    as before. From the first gap or fork on, the votes are added as new ones at the end of it.
    """

    journal: Journal
    store: VoteStore
    kept: int = 0  # entries in their old places
    added: int = 0  # votes in new places
    withdrawn: int = 0  # votes that were here, and withdrawn there
    _waiting: list[Entry] = field(default_factory=list)
    _battles: dict[int, str] = field(default_factory=dict)  # of those in new places, by the old

    def take(self, entries: Iterable[Entry]) -> None:
        """Keep the entries."""
        for entry in entries:
            self._waiting.append(entry)
            if len(self._waiting) == PAGE:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        fitting = 0 if self._battles else self.journal.append(waiting)
        self.kept += fitting
        here = self.journal.links([entry.seq for entry in waiting[fitting:]])
        self._merge([e for e in waiting[fitting:] if here.get(e.seq) != e.link])

    def _merge(self, entries: Sequence[Entry]) -> None:
        """Add the votes that are not here, and withdraw those that were withdrawn there."""
        told = [entry for entry in entries if entry.kind == "vote"]
        self._battles.update((entry.seq, entry.fields["battle"]) for entry in told)
        added, _ = self.store.add_all(entry.vote() for entry in told if not entry.withdrawn)
        self.added += added
        for entry in entries:
            if entry.kind == "withdrawal":
                seq = entry.fields["vote"]
                battle = self._battles.get(seq) or self.journal.battle(seq)
                self.withdrawn += self.store.delete(battle=battle) if battle else 0
