"""What visitors say of single answers: a thumb up or down, or a flag with a reason.

It is kept beside the votes, and is no part of their chain: it rates no model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, delete, func, insert, select

from vlm_demo.arena.votes.database import Database
from vlm_demo.arena.votes.opinion import Feedback
from vlm_demo.arena.votes.rows import MAX_NAME, from_microseconds, to_microseconds, to_storable
from vlm_demo.arena.votes.schema import feedback
from vlm_demo.errors import RateLimitError

MAX_PER_VOTER = 2_000
"""Largest number of answers that one visitor may rate."""

_IS_FLAG = feedback.c.verdict == "flag"


class FeedbackStore:
    """The feedback; every method raises VotesError where the database cannot be used."""

    def __init__(self, votes: str) -> None:
        """Take the URL or file of the votes; nothing is opened before it is used.

        Raises:
            SettingsError: the database is neither SQLite nor PostgreSQL.
        """
        self._database = Database(votes)

    def add(self, given: Feedback) -> None:
        """Keep feedback; that of the same visitor on the same answer is replaced.

        Raises:
            RateLimitError: the visitor has rated too many answers.
        """
        row = {
            "answer": to_storable(given.answer)[:MAX_NAME],
            "voter": to_storable(given.voter)[:MAX_NAME],
            "model": to_storable(given.model),
            "task": given.task,
            "verdict": given.verdict,
            "reason": to_storable(given.reason),
            "given_at": to_microseconds(given.given_at),
            "question": to_storable(given.question),
            "reply": to_storable(given.reply),
        }
        own = feedback.c.voter == row["voter"]
        with self._database.write_transaction() as connection:
            connection.execute(delete(feedback).where(own, feedback.c.answer == row["answer"]))
            rated = connection.execute(
                select(feedback.c.answer).where(own).limit(MAX_PER_VOTER)
            ).all()
            if len(rated) >= MAX_PER_VOTER:
                raise RateLimitError("You have rated too many answers.")
            connection.execute(insert(feedback).values(row))

    def read(self) -> Iterator[Feedback]:
        """Yield all feedback, the newest first."""
        yield from self._select(select(feedback))

    def read_flags(self, first: int, count: int) -> list[Feedback]:
        """Return so many flagged answers from a place on, the newest first; 0 is the newest."""
        flagged = select(feedback).where(_IS_FLAG).offset(first).limit(count)
        return list(self._select(flagged))

    def count_flags(self) -> int:
        """Return the number of flagged answers."""
        query = select(func.count()).select_from(feedback).where(_IS_FLAG)
        with self._database.read_transaction() as connection:
            return int(connection.execute(query).scalar_one())

    def remove(self, voter: str, answer: str) -> None:
        """Forget what a visitor said of an answer."""
        theirs = feedback.c.voter == voter, feedback.c.answer == answer
        with self._database.write_transaction() as connection:
            connection.execute(delete(feedback).where(*theirs))

    def _select(self, query: Select[Any]) -> Iterator[Feedback]:
        newest_first = query.order_by(feedback.c.given_at.desc(), feedback.c.answer)
        with self._database.read_transaction() as connection:
            rows = connection.execute(newest_first).mappings().all()
        for row in rows:
            values = {name: value for name, value in row.items() if name != "given_at"}
            yield Feedback(**values, given_at=from_microseconds(row["given_at"]))

    def close(self) -> None:
        """Close the database until it is used again."""
        self._database.close()
