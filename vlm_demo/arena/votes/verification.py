"""Checks the whole chain and lists what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

from sqlalchemy import Connection, Select, Table, exists, select

from vlm_demo.arena.votes.chain import FIRST_LINK, ChainHead, compute_digest, compute_link
from vlm_demo.arena.votes.rows import digest_conversation, read_conversation
from vlm_demo.arena.votes.schema import (
    CONTENT_COLUMNS,
    ERASED_COLUMNS,
    head,
    turns,
    votes,
    withdrawals,
)

MAX_LISTED = 1_000
"""Largest number of problems that are listed; the others are only counted."""

PAGE = 1_000
"""Number of rows read at a time."""

Row = dict[str, Any]


def find_problems(connection: Connection, noted: ChainHead | None = None) -> list[str]:
    """List what is wrong; `noted` is an end of the chain that was written down elsewhere before.

    The transaction is a snapshot, whatever is written meanwhile. Few rows are in memory at a time.
    """
    check = _ChainCheck(noted)
    vote_rows = _read_pages(connection, _select_votes(), votes)
    withdrawal_rows = _read_pages(connection, select(withdrawals), withdrawals)
    entries = (
        _check_rows(connection, "Vote", vote_rows),
        _check_rows(connection, "Withdrawal", withdrawal_rows),
    )
    for entry in merge(*entries, key=lambda entry: entry.seq):
        check.check_next(entry)
    check.check_head(_find_head(connection))
    for seq in connection.execute(_select_stray_turns()).scalars():
        check.report(f"Vote {seq} has a conversation that nobody agreed to keep.")
    return check.problems()


@dataclass(frozen=True, slots=True)
class _ChainEntry:
    """One position in the chain."""

    kind: str
    seq: int
    digest: str
    link: str
    fault: str  # what is wrong with its content; "": nothing


@dataclass(slots=True)
class _ChainCheck:
    """How far the chain was followed, and the problems found on the way."""

    noted: ChainHead | None
    seq: int = 0
    link: str | None = FIRST_LINK  # None: the entry before is missing
    deletions: int = 0
    listed: list[str] = field(default_factory=list)
    unlisted: int = 0

    def check_next(self, entry: _ChainEntry) -> None:
        """Check the next entry against the ones before."""
        if entry.seq <= self.seq:
            self.report(f"{entry.kind} {entry.seq} has a position that is taken.")
            return
        if missing := entry.seq - self.seq - 1:
            self._report_missing(missing)
            self.link = None
        if entry.fault:
            self.report(f"{entry.kind} {entry.seq} {entry.fault}.")
        if self.link and entry.link != compute_link(self.link, entry.seq, entry.digest):
            self.report(
                f"{entry.kind} {entry.seq} does not fit what comes before it: one of the two "
                "was changed, moved or inserted."
            )
        self.seq, self.link = entry.seq, entry.link
        self.deletions += entry.kind == "Withdrawal"
        if self.noted and entry.seq == self.noted.seq and entry.link != self.noted.link:
            self.report(f"The chain up to {entry.seq} is not the one that was noted.")

    def check_head(self, end: ChainHead | None) -> None:
        """Compare the end of the chain with its head, and with the one that was noted."""
        if end is None:
            self.report("The head of the chain is missing.")
        elif end.seq > self.seq:
            self._report_missing(end.seq - self.seq)
        elif end.seq < self.seq:
            self.report(f"The head of the chain says {end.seq}, but it goes on to {self.seq}.")
        elif end.link != self.link:
            self.report(f"The head of the chain does not fit its last entry, {self.seq}.")
        if end is not None and end.deletions != self.deletions:
            self.report(
                f"The head of the chain says that {end.deletions} votes were withdrawn, but "
                f"{self.deletions} are on record."
            )
        if self.noted and self.noted.seq > max(self.seq, end.seq if end else 0):
            self.report(f"The chain ends at {self.seq}, but was noted to reach {self.noted.seq}.")

    def report(self, problem: str) -> None:
        """Note a problem."""
        if len(self.listed) < MAX_LISTED:
            self.listed.append(problem)
        else:
            self.unlisted += 1

    def problems(self) -> list[str]:
        """Return the problems in the order in which they were found."""
        rest = [f"{self.unlisted} more problems are not listed."] if self.unlisted else []
        return self.listed + rest

    def _report_missing(self, count: int) -> None:
        first, last = self.seq + 1, self.seq + count
        positions = f"Position {first} is" if count == 1 else f"Positions {first} to {last} are"
        self.report(f"{positions} empty: an entry is missing.")


def _check_rows(connection: Connection, kind: str, rows: Iterator[Row]) -> Iterator[_ChainEntry]:
    for row in rows:
        fault = _vote_fault(connection, row) if kind == "Vote" else _withdrawal_fault(row)
        yield _ChainEntry(kind, row["seq"], row["digest"], row["link"], fault)


def _vote_fault(connection: Connection, row: Row) -> str:
    """Return what is wrong with the content of a vote; "" if nothing is."""
    is_empty = all(row[name] is None for name in ERASED_COLUMNS)
    if row["withdrawal"] is not None:
        return "" if is_empty else "was withdrawn, but not erased"
    if is_empty:
        return "was erased, but no withdrawal is on record"
    if compute_digest({name: row[name] for name in CONTENT_COLUMNS}) != row["digest"]:
        return "was changed"
    if row["conversation"] and row["conversation"] != digest_conversation(
        read_conversation(connection, row["seq"])
    ):
        return "has a changed conversation"
    return ""


def _withdrawal_fault(row: Row) -> str:
    fields = {"vote": row["vote"], "made_at": row["made_at"]}
    return "" if compute_digest(fields) == row["digest"] else "was changed"


def _select_votes() -> Select[Any]:
    is_of_vote = withdrawals.c.vote == votes.c.seq
    withdrawal = withdrawals.c.seq.label("withdrawal")
    return select(votes, withdrawal).outerjoin_from(votes, withdrawals, is_of_vote)


def _select_stray_turns() -> Select[int]:
    agreed = exists().where(votes.c.seq == turns.c.vote, votes.c.conversation.is_not(None))
    return select(turns.c.vote).where(~agreed).distinct().order_by(turns.c.vote)


def _read_pages(connection: Connection, query: Select[Any], table: Table) -> Iterator[Row]:
    """Read rows in the order of the chain, a page at a time."""
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


def _find_head(connection: Connection) -> ChainHead | None:
    row = connection.execute(select(head.c.seq, head.c.link, head.c.deletions)).first()
    return ChainHead(*row) if row else None
