"""Reads the whole chain and says what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

from sqlalchemy import Connection, Select, Table, exists, select

from vlm_demo.arena.votes.chain import FIRST, Head, digest_of, link_of
from vlm_demo.arena.votes.conversations import digest_of_turns, read_turns
from vlm_demo.arena.votes.schema import CONTENT, WITHDRAWN, head, turns, votes, withdrawals

MOST = 1_000
"""Problems that are listed; more are only counted."""

PAGE = 1_000
"""Rows that are read at a time."""

Fields = dict[str, Any]


def problems(connection: Connection, noted: Head | None = None) -> list[str]:
    """Say what is wrong; `noted` is an end of the chain that was written down elsewhere before.

    The transaction sees one moment, whatever is written meanwhile. Few rows are in memory.
    """
    walk = _Walk(noted)
    of_votes = _paged(connection, _votes(), votes)
    of_withdrawals = _paged(connection, select(withdrawals), withdrawals)
    kinds = (
        _entries(connection, "Vote", of_votes),
        _entries(connection, "Withdrawal", of_withdrawals),
    )
    for entry in merge(*kinds, key=lambda entry: entry.seq):
        walk.step(entry)
    walk.end(_head(connection))
    for seq in connection.execute(_stray_turns()).scalars():
        walk.say(f"Vote {seq} has a conversation that nobody agreed to have kept.")
    return walk.said()


@dataclass(frozen=True, slots=True)
class _Entry:
    """One place in the chain."""

    kind: str
    seq: int
    digest: str
    link: str
    wrong: str  # with its content; "": nothing


@dataclass(slots=True)
class _Walk:
    """How far the chain was followed, and what was found on the way."""

    noted: Head | None
    seq: int = 0
    link: str | None = FIRST  # None: what should stand before is missing
    deletions: int = 0
    found: list[str] = field(default_factory=list)
    more: int = 0

    def step(self, entry: _Entry) -> None:
        """Go on to the next entry."""
        if entry.seq <= self.seq:
            self.say(f"{entry.kind} {entry.seq} stands in a place that is taken.")
            return
        if missing := entry.seq - self.seq - 1:
            self._say_missing(missing)
            self.link = None
        if entry.wrong:
            self.say(f"{entry.kind} {entry.seq} {entry.wrong}.")
        if self.link and entry.link != link_of(self.link, entry.seq, entry.digest):
            self.say(
                f"{entry.kind} {entry.seq} does not fit what stands before it: one of the two "
                "was changed, moved or put there."
            )
        self.seq, self.link = entry.seq, entry.link
        self.deletions += entry.kind == "Withdrawal"
        if self.noted and entry.seq == self.noted.seq and entry.link != self.noted.link:
            self.say(f"The chain up to {entry.seq} is not the one that was noted.")

    def end(self, end: Head | None) -> None:
        """Compare where the chain ends with its head, and with the one that was noted."""
        if end is None:
            self.say("The head of the chain is missing.")
        elif end.seq > self.seq:
            self._say_missing(end.seq - self.seq)
        elif end.seq < self.seq:
            self.say(f"The head of the chain says {end.seq}, but it goes on to {self.seq}.")
        elif end.link != self.link:
            self.say(f"The head of the chain does not fit its last entry, {self.seq}.")
        if end is not None and end.deletions != self.deletions:
            self.say(
                f"The head of the chain says that {end.deletions} votes were withdrawn, but "
                f"{self.deletions} are on record."
            )
        if self.noted and self.noted.seq > max(self.seq, end.seq if end else 0):
            self.say(f"The chain ends at {self.seq}, but was noted to reach {self.noted.seq}.")

    def say(self, problem: str) -> None:
        """Note a problem."""
        if len(self.found) < MOST:
            self.found.append(problem)
        else:
            self.more += 1

    def said(self) -> list[str]:
        """Return the problems in the order in which they were found."""
        return self.found + ([f"{self.more} more problems are not listed."] if self.more else [])

    def _say_missing(self, count: int) -> None:
        first, last = self.seq + 1, self.seq + count
        places = f"Place {first} is" if count == 1 else f"Places {first} to {last} are"
        self.say(f"{places} empty: what stood there is missing.")


def _entries(connection: Connection, kind: str, rows: Iterator[Fields]) -> Iterator[_Entry]:
    for row in rows:
        wrong = _wrong_vote(connection, row) if kind == "Vote" else _wrong_withdrawal(row)
        yield _Entry(kind, row["seq"], row["digest"], row["link"], wrong)


def _wrong_vote(connection: Connection, row: Fields) -> str:
    """Say what is wrong with a vote by itself; "": nothing."""
    empty = all(row[name] is None for name in WITHDRAWN)
    if row["withdrawal"] is not None:
        return "" if empty else "was withdrawn, but not emptied"
    if empty:
        return "was emptied, but no withdrawal is on record"
    if digest_of({name: row[name] for name in CONTENT}) != row["digest"]:
        return "was changed"
    if row["conversation"] and row["conversation"] != digest_of_turns(
        read_turns(connection, row["seq"])
    ):
        return "has another conversation than it had"
    return ""


def _wrong_withdrawal(row: Fields) -> str:
    fields = {"vote": row["vote"], "made_at": row["made_at"]}
    return "" if digest_of(fields) == row["digest"] else "was changed"


def _votes() -> Select[Any]:
    withdrawn = withdrawals.c.vote == votes.c.seq
    record = withdrawals.c.seq.label("withdrawal")
    return select(votes, record).outerjoin_from(votes, withdrawals, withdrawn)


def _stray_turns() -> Select[int]:
    agreed = exists().where(votes.c.seq == turns.c.vote, votes.c.conversation.is_not(None))
    return select(turns.c.vote).where(~agreed).distinct().order_by(turns.c.vote)


def _paged(connection: Connection, query: Select[Any], table: Table) -> Iterator[Fields]:
    """Read rows in the order of their places, some at a time."""
    query = query.order_by(table.c.seq).limit(PAGE)
    last = 0
    while True:
        page = connection.execute(query.where(table.c.seq > last))
        names = tuple(page.keys())
        rows = page.all()
        for row in rows:
            yield dict(zip(names, row, strict=True))  # much faster than the row's own mapping
        if not rows:
            return
        last = rows[-1].seq


def _head(connection: Connection) -> Head | None:
    row = connection.execute(select(head.c.seq, head.c.link, head.c.deletions)).first()
    return Head(*row) if row else None
