"""The votes in their database: one per battle, in a chain that reveals any change."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, select

from vlm_demo.arena.votes import verification, vote_counts
from vlm_demo.arena.votes.chain import (
    ChainHead,
    compute_digest,
    extend_chain,
    read_head,
    write_head,
)
from vlm_demo.arena.votes.database import Database
from vlm_demo.arena.votes.newcomers import (
    Crowd,
    Newcomer,
    assess_voter,
    list_crowds,
    write_newcomer,
)
from vlm_demo.arena.votes.rows import (
    erase_votes,
    from_row,
    question_number,
    read_conversation,
    to_microseconds,
    to_row,
    write_conversation,
)
from vlm_demo.arena.votes.schema import feedback, votes, withdrawals
from vlm_demo.arena.votes.vote import Origin, Selection, UserTurn, Vote
from vlm_demo.arena.votes.vote_counts import PairCount
from vlm_demo.errors import InputError, VotedAlreadyError, VotesError

BATCH = 5_000
"""Number of votes written in one transaction; people who vote meanwhile wait for it."""

PAGE = 500
"""Number of votes read at a time."""

log = logging.getLogger(__name__)


class VoteStore:
    """The votes, for any number of threads and programs at a time.

    Every method that reads or writes raises VotesError when the database is busy, full, gone, or
    not one of ours. Then nothing is half written, and the next call tries again.
    """

    def __init__(self, votes: str) -> None:
        """Take a URL, or the name of an SQLite file; nothing is opened before it is used.

        Raises:
            SettingsError: the database is neither SQLite nor PostgreSQL.
        """
        self._database = Database(votes)

    def add(self, vote: Vote, newcomer: Newcomer | None = None) -> int:
        """Keep a vote and return its position in the chain; it is on the disk by then.

        Args:
            vote: it.
            newcomer: what to note of its voter; None: the voter is not new.

        Raises:
            VotedAlreadyError: the battle has its vote.
            InputError: something in the vote cannot be stored.
        """
        added = self._append([vote], newcomer)
        if not added:
            raise VotedAlreadyError("This battle has been voted on already.")
        return added[0]

    def add_all(self, votes: Iterable[Vote]) -> tuple[int, int]:
        """Keep many votes; return how many were added, and how many were there already.

        They are written in batches; the batches before one that fails are kept.
        """
        added = total = 0
        remaining = iter(votes)
        while batch := list(islice(remaining, BATCH)):
            added += len(self._append(batch))
            total += len(batch)
        return added, total - added

    def get(self, battle: str) -> Vote | None:
        """Return the vote of a battle; None if there is none, or it was withdrawn."""
        with self._database.read_transaction() as connection:
            query = _select_present().where(votes.c.battle == battle)
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            return from_row(row, read_conversation(connection, row["seq"]))

    def read(self, *, after: int = 0, voter: str = "") -> Iterator[tuple[int, Vote]]:
        """Return the votes after a position in the chain, with their positions, in order.

        They are read a few at a time, so votes that are added meanwhile come too.
        """
        query = _select_present().order_by(votes.c.seq).limit(PAGE)
        if voter:
            query = query.where(votes.c.voter == voter)
        while True:
            with self._database.read_transaction() as connection:
                page = connection.execute(query.where(votes.c.seq > after)).mappings().all()
                if not page:
                    return
            for row in page:
                after = row["seq"]
                yield after, from_row(row, self._turns(after) if row["conversation"] else ())

    def count_pairs(
        self, *, after: int = 0, until: int | None = None, voter: str = ""
    ) -> list[PairCount]:
        """Sum the votes that count in ratings, after a position in the chain and up to another."""
        with self._database.read_transaction() as connection:
            return vote_counts.count_pairs(connection, after=after, until=until, voter=voter)

    def count_pairs_by_period(self, selection: Selection, periods: int) -> list[PairCount]:
        """Sum the votes that count in ratings by pair and period; there are at most `periods`."""
        with self._database.read_transaction() as connection:
            return vote_counts.count_pairs_by_period(connection, selection, periods)

    def head(self) -> ChainHead:
        """Return the end of the chain."""
        with self._database.read_transaction() as connection:
            return read_head(connection)

    def count_cast_since(
        self, since: datetime, voter: str = "", *, until: datetime | None = None
    ) -> int:
        """Count the votes that one voter, or everybody on this page, has cast since a time.

        Votes later than `until` do not count: the clock was set back since.
        """
        query = (
            select(func.count())
            .where(votes.c.voted_at >= to_microseconds(since))
            .where(votes.c.voter == voter if voter else votes.c.origin == Origin.HERE.value)
        )
        if until is not None:
            query = query.where(votes.c.voted_at <= to_microseconds(until))
        with self._database.read_transaction() as connection:
            return connection.execute(query).scalar_one()

    def count_repeats(self, prompt_hash: str, image_hash: str) -> int:
        """Count the votes on the same words and images."""
        query = select(func.count()).where(*_is_same_question(prompt_hash, image_hash))
        with self._database.read_transaction() as connection:
            return connection.execute(query).scalar_one()

    def has_judged(
        self, voter: str, models: Collection[str], prompt_hash: str, image_hash: str
    ) -> bool:
        """Whether a voter has judged these models on these words and images, on either side."""
        query = (
            select(votes.c.seq)
            .where(*_is_same_question(prompt_hash, image_hash))
            .where(votes.c.voter == voter)
            .where(votes.c.model_a.in_(models), votes.c.model_b.in_(models))
            .limit(1)
        )
        with self._database.read_transaction() as connection:
            return connection.execute(query).first() is not None

    def assess_voter(self, voter: str, address: str, now: datetime) -> Newcomer | None:
        """Say how a new voter's vote counts; None: the voter is established."""
        with self._database.read_transaction() as connection:
            return assess_voter(connection, voter, address, now)

    def list_crowds(self) -> list[Crowd]:
        """Return the addresses from which many new voters have come, the largest first."""
        with self._database.read_transaction() as connection:
            return list_crowds(connection)

    def delete(self, *, voter: str = "", battle: str = "") -> int:
        """Withdraw the votes of a voter, or of a battle, for good; return how many there were.

        Their content is overwritten. Their positions in the chain stay, with the battle's random
        name, so that nobody can vote on the battle again. What the voter said of single answers
        goes too.

        Raises:
            InputError: neither a voter nor a battle was named.
        """
        if not voter and not battle:
            raise InputError("Give the voter or the battle whose votes should be deleted.")
        query = select(votes.c.seq).where(votes.c.winner.is_not(None)).limit(BATCH)
        if voter:
            query = query.where(votes.c.voter == voter)
        if battle:
            query = query.where(votes.c.battle == battle)
        deleted = 0
        while count := self._withdraw(query):
            deleted += count
        if voter:
            with self._database.write_transaction() as connection:
                connection.execute(delete(feedback).where(feedback.c.voter == voter))
        if deleted:
            self._scrub()
        return deleted

    def verify(self, noted: ChainHead | None = None) -> list[str]:
        """List what is wrong with the chain, or contradicts an end of it that was noted earlier."""
        with self._database.read_transaction() as connection:
            return verification.find_problems(connection, noted)

    def close(self) -> None:
        """Close the database until it is used again."""
        self._database.close()

    def _append(self, batch: Sequence[Vote], newcomer: Newcomer | None = None) -> list[int]:
        """Write the votes whose battles have none yet; return their positions."""
        new: dict[str, tuple[dict[str, Any], Vote]] = {}
        for vote in batch:
            row = to_row(vote)
            new.setdefault(row["battle"], (row | {"digest": compute_digest(row)}, vote))
        with self._database.write_transaction() as connection:
            end = read_head(connection, to_write=True)
            voted = select(votes.c.battle).where(votes.c.battle.in_(list(new)))
            for battle in connection.execute(voted).scalars():
                del new[battle]
            rows = [row for row, _ in new.values()]
            write_head(connection, extend_chain(end, rows))
            _insert_rows(connection, votes, rows)
            for row, vote in new.values():
                write_conversation(connection, row["seq"], vote.conversation)
                if newcomer:
                    now = vote.voted_at
                    write_newcomer(connection, row["seq"], row["voter"], newcomer, now)
        return [row["seq"] for row in rows]

    def _withdraw(self, query: Select[int]) -> int:
        """Erase the selected votes and record their withdrawal; return how many there were."""
        with self._database.write_transaction() as connection:
            end = read_head(connection, to_write=True)
            seqs = list(connection.execute(query).scalars())
            now = to_microseconds(datetime.now(UTC))
            records: list[dict[str, Any]] = [{"vote": seq, "made_at": now} for seq in seqs]
            for record in records:
                record["digest"] = compute_digest(record)
            end = extend_chain(end, records)
            _insert_rows(connection, withdrawals, records)
            write_head(connection, end._replace(deletions=end.deletions + len(records)))
            erase_votes(connection, seqs)
        return len(seqs)

    def _scrub(self) -> None:
        try:
            self._database.scrub()
        except VotesError as error:  # the votes are withdrawn nevertheless
            log.warning("Traces of withdrawn votes are still on the disk: %s", error)

    def _turns(self, seq: int) -> tuple[UserTurn, ...]:
        with self._database.read_transaction() as connection:
            return read_conversation(connection, seq)


def _insert_rows(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows that have every column, without SQLAlchemy's slow inspection of each."""
    if not rows:
        return
    statement = insert(table).compile(dialect=connection.dialect)
    if statement.positiontup:  # SQLite takes values by position, psycopg by name
        in_order = itemgetter(*statement.positiontup)
        connection.exec_driver_sql(str(statement), [in_order(row) for row in rows])
    else:
        connection.exec_driver_sql(str(statement), rows)


def _select_present() -> Select[Any]:
    """Select the votes that have not been withdrawn."""
    return select(votes).where(votes.c.winner.is_not(None))


def _is_same_question(prompt_hash: str, image_hash: str) -> tuple[ColumnElement[bool], ...]:
    return (
        votes.c.question == question_number(prompt_hash, image_hash),
        votes.c.prompt_hash == prompt_hash,
        votes.c.picture_hash == image_hash,
    )
