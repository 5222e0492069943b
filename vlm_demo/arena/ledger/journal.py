"""Reads the chain out of a database entry by entry, and writes it into an empty one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from sqlalchemy import Connection, insert, select, update

from vlm_demo.arena.ledger.entries import TABLES, Entry
from vlm_demo.arena.votes.chain import Head
from vlm_demo.arena.votes.conversations import forget_turns, keep_turns, read_turns
from vlm_demo.arena.votes.database import Database
from vlm_demo.arena.votes.schema import WITHDRAWN, head, votes, withdrawals

PAGE = 1_000
"""Entries that are read or written at a time."""


class Journal:
    """The chain of a database. Raises VotesError where that cannot be read or written."""

    def __init__(self, votes: str) -> None:
        """Take a URL, or the name of a file of SQLite; nothing is opened before it is used."""
        self._database = Database(votes)

    def head(self) -> Head:
        """Return the end of the chain."""
        with self._database.reading() as connection:
            return _head(connection)

    def entries(self, *, after: int, until: int) -> Iterator[Entry]:
        """Return the entries behind a place, up to another, in order."""
        for start in range(after, until, PAGE):
            with self._database.reading() as connection:
                page = _between(connection, start, min(start + PAGE, until))
            yield from page

    def withdrawn(self, *, after: int, until: int) -> list[int]:
        """Return the places of votes up to `until` that were withdrawn behind `after`."""
        query = select(withdrawals.c.vote).where(withdrawals.c.seq > after)
        with self._database.reading() as connection:
            return list(connection.execute(query.where(withdrawals.c.vote <= until)).scalars())

    def links(self, places: Sequence[int]) -> dict[int, str]:
        """Return the links of the entries in these places, at most a page of them."""
        queries = [
            select(table.c.seq, table.c.link).where(table.c.seq.in_(places))
            for table in TABLES.values()
        ]
        with self._database.reading() as connection:
            return {seq: link for query in queries for seq, link in connection.execute(query)}

    def battle(self, seq: int) -> str:
        """Return the battle of the vote in a place; "": there is none."""
        query = select(votes.c.battle).where(votes.c.seq == seq)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def append(self, entries: Sequence[Entry]) -> int:
        """Write entries in their places; the first that does not fit ends it. Return how many.

        Their votes must be new.
        """
        with self._database.writing() as connection:
            fitting, end = _fitting(entries, _head(connection))
            for kind, group in groupby(fitting, key=lambda entry: entry.kind):
                _write(connection, kind, list(group))
            connection.execute(update(head).values(end._asdict()))
        return len(fitting)

    def close(self) -> None:
        """Let go of the database until it is used again."""
        self._database.close()


def _head(connection: Connection) -> Head:
    row = connection.execute(select(head.c.seq, head.c.link, head.c.deletions)).one()
    return Head(*row)


def _fitting(entries: Sequence[Entry], end: Head) -> tuple[list[Entry], Head]:
    """Return the first entries, as far as they continue the chain, and its new end."""
    fitting: list[Entry] = []
    for entry in entries:
        if not entry.follows(end):
            break
        fitting.append(entry)
        end = Head(entry.seq, entry.link, end.deletions + (entry.kind == "withdrawal"))
    return fitting, end


def _between(connection: Connection, after: int, until: int) -> list[Entry]:
    entries = []
    for kind, table in TABLES.items():
        query = select(table).where(table.c.seq > after, table.c.seq <= until)
        for row in connection.execute(query).mappings().all():
            said = read_turns(connection, row["seq"]) if row.get("conversation") else ()
            entries.append(Entry(kind, dict(row), said))
    return sorted(entries, key=lambda entry: entry.seq)


def _write(connection: Connection, kind: str, entries: Sequence[Entry]) -> None:
    connection.execute(insert(TABLES[kind]), [entry.fields for entry in entries])
    for entry in entries:
        keep_turns(connection, entry.seq, entry.conversation)
    if kind == "withdrawal":  # somebody may have copied the vote before it was withdrawn
        places = [entry.fields["vote"] for entry in entries]
        forget_turns(connection, places)
        emptied = update(votes).where(votes.c.seq.in_(places))
        connection.execute(emptied.values(dict.fromkeys(WITHDRAWN)))
