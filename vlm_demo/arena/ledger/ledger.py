"""The chain of a database, read entry by entry, and written into an empty database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from sqlalchemy import Connection, insert, select

from vlm_demo.arena.ledger.entries import TABLES, LedgerEntry
from vlm_demo.arena.votes.chain import ChainHead, read_head, write_head
from vlm_demo.arena.votes.database import Database
from vlm_demo.arena.votes.rows import erase_votes, read_conversation, write_conversation
from vlm_demo.arena.votes.schema import votes, withdrawals

PAGE = 1_000
"""Number of entries that are read or written at a time."""


class Ledger:
    """The chain of a database. Raises VotesError where that cannot be read or written."""

    def __init__(self, votes: str) -> None:
        """Take a URL, or the name of an SQLite file; nothing is opened before it is used."""
        self._database = Database(votes)

    def head(self) -> ChainHead:
        """Return the end of the chain."""
        with self._database.read_transaction() as connection:
            return read_head(connection)

    def entries(self, *, after: int, until: int) -> Iterator[LedgerEntry]:
        """Return the entries behind a place, up to another, in order."""
        for start in range(after, until, PAGE):
            with self._database.read_transaction() as connection:
                page = _read_page(connection, start, min(start + PAGE, until))
            yield from page

    def find_withdrawn(self, *, after: int, until: int) -> list[int]:
        """Return the places of votes up to `until` that were withdrawn behind `after`."""
        query = select(withdrawals.c.vote).where(withdrawals.c.seq > after)
        with self._database.read_transaction() as connection:
            return list(connection.execute(query.where(withdrawals.c.vote <= until)).scalars())

    def links(self, places: Sequence[int]) -> dict[int, str]:
        """Return the links of the entries in these places, at most a page of them."""
        queries = [
            select(table.c.seq, table.c.link).where(table.c.seq.in_(places))
            for table in TABLES.values()
        ]
        with self._database.read_transaction() as connection:
            return {seq: link for query in queries for seq, link in connection.execute(query)}

    def battle(self, seq: int) -> str:
        """Return the battle of the vote in a place; "" if there is none."""
        query = select(votes.c.battle).where(votes.c.seq == seq)
        with self._database.read_transaction() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def append(self, entries: Sequence[LedgerEntry]) -> int:
        """Write entries in their places, up to the first that does not fit; return how many.

        The battles of their votes must not be in the database yet.
        """
        with self._database.write_transaction() as connection:
            fitting, end = _take_fitting(entries, read_head(connection))
            for kind, group in groupby(fitting, key=lambda entry: entry.kind):
                _write(connection, kind, list(group))
            write_head(connection, end)
        return len(fitting)

    def close(self) -> None:
        """Close the database until it is used again."""
        self._database.close()


def _take_fitting(
    entries: Sequence[LedgerEntry], end: ChainHead
) -> tuple[list[LedgerEntry], ChainHead]:
    """Return the first entries, as far as they continue the chain, and its new end."""
    fitting: list[LedgerEntry] = []
    for entry in entries:
        if not entry.follows(end):
            break
        fitting.append(entry)
        end = ChainHead(entry.seq, entry.link, end.deletions + (entry.kind == "withdrawal"))
    return fitting, end


def _read_page(connection: Connection, after: int, until: int) -> list[LedgerEntry]:
    entries = []
    for kind, table in TABLES.items():
        query = select(table).where(table.c.seq > after, table.c.seq <= until)
        for row in connection.execute(query).mappings().all():
            turns = read_conversation(connection, row["seq"]) if row.get("conversation") else ()
            entries.append(LedgerEntry(kind, dict(row), turns))
    return sorted(entries, key=lambda entry: entry.seq)


def _write(connection: Connection, kind: str, entries: Sequence[LedgerEntry]) -> None:
    connection.execute(insert(TABLES[kind]), [entry.fields for entry in entries])
    for entry in entries:
        write_conversation(connection, entry.seq, entry.conversation)
    if kind == "withdrawal":  # the copy may hold the vote as it was before it was withdrawn
        erase_votes(connection, [entry.fields["vote"] for entry in entries])
