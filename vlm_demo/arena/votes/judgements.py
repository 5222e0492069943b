"""What judge models think of battles that people have voted on.

It is kept apart from the votes and their chain: it changes no rating of people's votes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, insert, literal, select

from vlm_demo.arena.votes.database import Database
from vlm_demo.arena.votes.rows import (
    MAX_NAME,
    from_row,
    read_conversation,
    to_microseconds,
    to_storable,
)
from vlm_demo.arena.votes.schema import counts_in_ratings, judgements, votes
from vlm_demo.arena.votes.vote import Origin, Selection, Vote, Winner
from vlm_demo.arena.votes.vote_counts import PairCount, matches_selection, merge_orders, sum_columns

PAGE = 50
"""Number of votes read at a time: they come with their pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelJudgement:
    """What a judge model thinks of one battle."""

    seq: int  # the position of its vote in the chain
    judge: str  # a model of the menu
    winner: Winner
    is_steady: bool  # whether it said the same with the answers in the other order
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """How often a judge model and people prefer the same side."""

    judged: int  # battles
    steady: int  # of these, those it judged alike in both orders
    compared: int  # battles in which people and the judge both preferred a side
    agreeing: int  # of these, those with the same side

    @property
    def share(self) -> float | None:
        """Share of agreement, 0 to 1; half would be chance. None: nothing can be compared."""
        return self.agreeing / self.compared if self.compared else None


class JudgementStore:
    """The judgements; every method raises VotesError where the database cannot be used."""

    def __init__(self, votes: str) -> None:
        """Take the URL or file of the votes; nothing is opened before it is used.

        Raises:
            SettingsError: the database is neither SQLite nor PostgreSQL.
        """
        self._database = Database(votes)

    def read_unjudged(self, judge: str) -> Iterator[tuple[int, Vote]]:
        """Return the votes that a judge can judge and has not, with their positions, in order.

        These are votes of people whose words and pictures are kept, on other models than the judge.
        """
        own = select(judgements.c.vote).where(judgements.c.judge == to_storable(judge))
        query = (
            select(votes)
            .where(
                counts_in_ratings,
                votes.c.origin != Origin.AUTOMATIC.value,
                votes.c.conversation.is_not(None),
                votes.c.model_a != judge,
                votes.c.model_b != judge,
                votes.c.seq.not_in(own),
            )
            .order_by(votes.c.seq)
            .limit(PAGE)
        )
        after = 0
        while True:
            with self._database.read_transaction() as connection:
                rows = connection.execute(query.where(votes.c.seq > after)).mappings().all()
                page = [
                    (row["seq"], from_row(row, read_conversation(connection, row["seq"])))
                    for row in rows
                ]
            if not page:
                return
            yield from page
            after = page[-1][0]

    def add(self, given: Iterable[ModelJudgement]) -> None:
        """Keep judgements; an earlier one of the same judge on the same battle is replaced."""
        rows = [
            {
                "vote": each.seq,
                "judge": to_storable(each.judge)[:MAX_NAME],
                "winner": each.winner.value,
                "is_steady": each.is_steady,
                "judged_at": to_microseconds(each.judged_at),
            }
            for each in given
        ]
        with self._database.write_transaction() as connection:
            for row in rows:
                known = and_(judgements.c.vote == row["vote"], judgements.c.judge == row["judge"])
                connection.execute(delete(judgements).where(known))
                connection.execute(insert(judgements).values(row))

    def judges(self) -> tuple[str, ...]:
        """Return the judge models, the one with the most judgements first."""
        query = (
            select(judgements.c.judge)
            .group_by(judgements.c.judge)
            .order_by(func.count().desc(), judgements.c.judge)
        )
        with self._database.read_transaction() as connection:
            return tuple(connection.execute(query).scalars())

    def count_pairs(self, judge: str, selection: Selection) -> list[PairCount]:
        """Sum what a judge says of the votes of a selection, by pair of models."""
        groups = [votes.c[name] for name in ("task", "language", "origin", "category")]
        groups += [votes.c.model_a, votes.c.model_b]
        nothing = (literal(0.0), literal(0.0), literal(0.0), literal(0))  # no boxes are judged
        query = _select_judgements(judge, selection).with_only_columns(
            *groups, *sum_columns(judgements.c.winner), *nothing
        )
        with self._database.read_transaction() as connection:
            return merge_orders(connection.execute(query.group_by(*groups)))

    def agreement(self, judge: str, selection: Selection) -> JudgeAgreement:
        """Compare a judge with the people who voted on the same battles."""
        sides = (Winner.A.value, Winner.B.value)
        both = and_(judgements.c.winner.in_(sides), votes.c.winner.in_(sides))
        same = and_(both, judgements.c.winner == votes.c.winner)
        query = _select_judgements(judge, selection).with_only_columns(
            func.count(), *(_count(each) for each in (judgements.c.is_steady, both, same))
        )
        with self._database.read_transaction() as connection:
            row = connection.execute(query).one()
        return JudgeAgreement(*map(int, row))

    def close(self) -> None:
        """Close the database until it is used again."""
        self._database.close()


def _select_judgements(judge: str, selection: Selection) -> Select[tuple[int]]:
    """Select the judged votes of a selection of people's votes on whole answers."""
    return (
        select(votes.c.seq)
        .join(judgements, judgements.c.vote == votes.c.seq)
        .where(
            judgements.c.judge == to_storable(judge),
            counts_in_ratings,
            *matches_selection(selection),
        )
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
