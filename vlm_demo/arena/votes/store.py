"""Votes in a database, SQLite or PostgreSQL: one a battle, in a chain that shows any change."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, insert, select, update

from vlm_demo.arena.votes import verifying
from vlm_demo.arena.votes import vote_counts as counting
from vlm_demo.arena.votes.chain import Head, chain, digest_of
from vlm_demo.arena.votes.conversations import forget_turns, keep_turns, read_turns
from vlm_demo.arena.votes.database import Database
from vlm_demo.arena.votes.history import count_by_period
from vlm_demo.arena.votes.rows import microseconds, question_of, row_of, vote_of
from vlm_demo.arena.votes.schema import WITHDRAWN, head, votes, withdrawals
from vlm_demo.arena.votes.selection import Selection
from vlm_demo.arena.votes.vote import Origin, Turn, Vote
from vlm_demo.arena.votes.vote_counts import Cell
from vlm_demo.errors import InputError, VotedAlreadyError, VotesError

BATCH = 5_000
"""Votes that are written in one transaction; people who vote meanwhile wait for it."""

PAGE = 500
"""Votes that are read at a time."""

log = logging.getLogger(__name__)


class VoteStore:
    """The votes, for any number of threads and programs at a time.

    Every method that reads or writes raises VotesError where the database cannot be: it is busy,
    full, gone, or not one of ours. Nothing is half written then, and the next use tries again.
    """

    def __init__(self, votes: str) -> None:
        """Take a URL, or the name of a file of SQLite; nothing is opened before it is used.

        Raises:
            SettingsError: neither SQLite nor PostgreSQL.
        """
        self._database = Database(votes)

    def add(self, vote: Vote) -> int:
        """Keep a vote; when this returns its place in the chain, it is on the disk.

        Raises:
            VotedAlreadyError: the battle has its vote.
            InputError: the vote has something that cannot be kept.
        """
        added = self._append([vote])
        if not added:
            raise VotedAlreadyError("This battle has its vote already.")
        return added[0]

    def add_all(self, given: Iterable[Vote]) -> tuple[int, int]:
        """Keep many votes; return how many were added, and how many were there already.

        They are written in batches; those before a batch that fails are kept.
        """
        added = seen = 0
        coming = iter(given)
        while batch := list(islice(coming, BATCH)):
            added += len(self._append(batch))
            seen += len(batch)
        return added, seen - added

    def get(self, battle: str) -> Vote | None:
        """Return the vote of a battle; None: there is none, or it was withdrawn."""
        with self._database.reading() as connection:
            query = _standing().where(votes.c.battle == battle)
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            return vote_of(row, read_turns(connection, row["seq"]))

    def read(self, *, after: int = 0, voter: str = "") -> Iterator[tuple[int, Vote]]:
        """Return the votes behind a place in the chain, with their places, in order.

        They are read a few at a time: what is written meanwhile comes too.
        """
        query = _standing().order_by(votes.c.seq).limit(PAGE)
        if voter:
            query = query.where(votes.c.voter == voter)
        while True:
            with self._database.reading() as connection:
                page = connection.execute(query.where(votes.c.seq > after)).mappings().all()
                if not page:
                    return
            for row in page:
                after = row["seq"]
                yield after, vote_of(row, self._turns(after) if row["conversation"] else ())

    def cells(self, *, after: int = 0, until: int | None = None, voter: str = "") -> list[Cell]:
        """Sum the votes that count in ratings: those behind a place in the chain, up to another."""
        with self._database.reading() as connection:
            return counting.count(connection, after=after, until=until, voter=voter)

    def history(self, selection: Selection, periods: int) -> list[Cell]:
        """Sum votes that count in ratings by the period, of so many, in which they were cast."""
        with self._database.reading() as connection:
            return count_by_period(connection, selection, periods)

    def head(self) -> Head:
        """Return the end of the chain."""
        with self._database.reading() as connection:
            return _head(connection)

    def cast_since(self, since: datetime, voter: str = "") -> int:
        """Count the votes that people cast on this page since a moment: one voter, or all."""
        query = (
            select(func.count())
            .where(votes.c.voted_at >= microseconds(since))
            .where(votes.c.voter == voter if voter else votes.c.origin == Origin.HERE.value)
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def repeats(self, prompt_hash: str, picture_hash: str) -> int:
        """Count the votes on the same words and pictures."""
        query = select(func.count()).where(*_same(prompt_hash, picture_hash))
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def judged_before(
        self, voter: str, models: Collection[str], prompt_hash: str, picture_hash: str
    ) -> bool:
        """Whether a voter judged these models on these words and pictures, however they stood."""
        query = (
            select(votes.c.seq)
            .where(*_same(prompt_hash, picture_hash))
            .where(votes.c.voter == voter)
            .where(votes.c.model_a.in_(models), votes.c.model_b.in_(models))
            .limit(1)
        )
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def delete(self, *, voter: str = "", battle: str = "") -> int:
        """Withdraw the votes of a voter, or of a battle, for good; return how many there were.

        All that they said is overwritten. Their places in the chain stay, with the battle's random
        name, so that the battle cannot be voted on again.

        Raises:
            InputError: neither a voter nor a battle was named.
        """
        if not voter and not battle:
            raise InputError("Please say whose votes are to be deleted, or of which battle.")
        chosen = select(votes.c.seq).where(votes.c.winner.is_not(None)).limit(BATCH)
        if voter:
            chosen = chosen.where(votes.c.voter == voter)
        if battle:
            chosen = chosen.where(votes.c.battle == battle)
        deleted = 0
        while count := self._withdraw(chosen):
            deleted += count
        if deleted:
            self._scrub()
        return deleted

    def verify(self, noted: Head | None = None) -> list[str]:
        """Say what is wrong with the chain, or does not fit an end of it that was noted before."""
        with self._database.reading() as connection:
            return verifying.problems(connection, noted)

    def close(self) -> None:
        """Let go of the database until it is used again."""
        self._database.close()

    def _append(self, given: Sequence[Vote]) -> list[int]:
        """Write votes whose battles have none; return their places."""
        new: dict[str, tuple[dict[str, Any], Vote]] = {}
        for vote in given:
            row = row_of(vote)
            new.setdefault(row["battle"], (row | {"digest": digest_of(row)}, vote))
        with self._database.writing() as connection:
            end = _head(connection, to_write=True)
            known = select(votes.c.battle).where(votes.c.battle.in_(list(new)))
            for battle in connection.execute(known).scalars():
                del new[battle]
            rows = [row for row, _ in new.values()]
            _set_head(connection, chain(end, rows))
            _write(connection, votes, rows)
            for row, vote in new.values():
                keep_turns(connection, row["seq"], vote.conversation)
        return [row["seq"] for row in rows]

    def _withdraw(self, chosen: Select[int]) -> int:
        """Empty some votes, and put on record that this was meant; return how many."""
        with self._database.writing() as connection:
            end = _head(connection, to_write=True)
            places = list(connection.execute(chosen).scalars())
            now = microseconds(datetime.now(UTC))
            records: list[dict[str, Any]] = [{"vote": seq, "made_at": now} for seq in places]
            for record in records:
                record["digest"] = digest_of(record)
            end = chain(end, records)
            _write(connection, withdrawals, records)
            _set_head(connection, end._replace(deletions=end.deletions + len(records)))
            forget_turns(connection, places)
            emptied = update(votes).where(votes.c.seq.in_(places))
            connection.execute(emptied.values(dict.fromkeys(WITHDRAWN)))
        return len(places)

    def _scrub(self) -> None:
        try:
            self._database.scrub()
        except VotesError as error:  # the votes are withdrawn all the same
            log.warning("Traces of withdrawn votes are still on the disk: %s", error)

    def _turns(self, seq: int) -> tuple[Turn, ...]:
        with self._database.reading() as connection:
            return read_turns(connection, seq)


def _head(connection: Connection, *, to_write: bool = False) -> Head:
    """Return the end of the chain; who will write it keeps others from it (SQLite does so)."""
    query = select(head.c.seq, head.c.link, head.c.deletions)
    row = connection.execute(query.with_for_update() if to_write else query).one()
    return Head(*row)


def _set_head(connection: Connection, end: Head) -> None:
    connection.execute(update(head).values(end._asdict()))


def _write(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows that have every column: SQLAlchemy's look at each would take the most time."""
    if not rows:
        return
    statement = insert(table).compile(dialect=connection.dialect)
    if statement.positiontup:  # SQLite takes values by their places, psycopg by their names
        in_order = itemgetter(*statement.positiontup)
        connection.exec_driver_sql(str(statement), [in_order(row) for row in rows])
    else:
        connection.exec_driver_sql(str(statement), rows)


def _standing() -> Select[Any]:
    """Choose votes that were not withdrawn."""
    return select(votes).where(votes.c.winner.is_not(None))


def _same(prompt_hash: str, picture_hash: str) -> tuple[ColumnElement[bool], ...]:
    return (
        votes.c.question == question_of(prompt_hash, picture_hash),
        votes.c.prompt_hash == prompt_hash,
        votes.c.picture_hash == picture_hash,
    )
