"""Voters who are new, and how much their votes weigh: many from one address weigh little.

A name costs an attacker nothing: a cookie can be dropped and asked for again. So somebody is
established only by a vote of full weight that is a day old. Until then it counts how many votes
other new voters from the same network address have cast: the first few weigh as any other, and
after them the weights fall so fast that all together stay below twice that number.

Of an address only a keyed hash is stored, and only for `REMEMBERED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from vlm_demo.arena.votes.rows import from_microseconds, to_microseconds
from vlm_demo.arena.votes.schema import newcomers, votes

FULL_WEIGHT_NEWCOMER_VOTES = 5
"""Number of votes of other new voters from one address up to which a vote has its full weight."""

ESTABLISHED_AFTER = timedelta(days=1)
"""Age of a vote that shows that its voter has come back."""

ESTABLISHING_WEIGHT = 0.5
"""Smallest weight of such a vote: those of a crowd establish nobody."""

REMEMBERED = timedelta(days=30)
"""How long votes of new voters from an address count against further ones, and are remembered."""

BURST_VOTERS = 20
"""Number of new voters within `BURST_WINDOW` from which on their votes are marked as a burst."""

BURST_WINDOW = timedelta(minutes=10)
"""Length of the time in which new voters are counted for a burst."""

MIN_CROWD = 5
"""Number of new voters from one address that is reported as a crowd."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What is noted of a vote by a new voter."""

    address: str  # a keyed hash
    is_burst: bool  # one of many new voters in a short time
    weight: float  # by which that of the vote is multiplied


@dataclass(frozen=True, slots=True)
class Crowd:
    """New voters from one address."""

    address: str  # a keyed hash
    voters: int
    votes: int
    weight: float  # of all these votes together
    burst_votes: int  # cast while many new voters came
    first: datetime
    last: datetime


def assess_voter(
    connection: Connection, voter: str, address: str, now: datetime
) -> Newcomer | None:
    """Say how a new voter's vote counts; None: the voter is established.

    Args:
        connection: to the database.
        voter: the keyed hash.
        address: a keyed hash of the network address.
        now: the time.
    """
    if _is_established(connection, voter, now):
        return None
    since = to_microseconds(now - REMEMBERED)
    others = connection.execute(
        select(func.count())
        .select_from(newcomers)
        .where(newcomers.c.address == address, newcomers.c.voted_at >= since)
        .where(newcomers.c.voter != voter)
    ).scalar_one()
    recent = connection.execute(
        select(func.count(newcomers.c.voter.distinct()))
        .where(newcomers.c.voted_at >= to_microseconds(now - BURST_WINDOW))
        .where(newcomers.c.voter != voter)
    ).scalar_one()
    return Newcomer(address, recent + 1 >= BURST_VOTERS, newcomer_weight(others))


def newcomer_weight(others: int) -> float:
    """Return the weight of a vote after so many of other new voters from the same address."""
    return min(1.0, (FULL_WEIGHT_NEWCOMER_VOTES / (others + 1)) ** 2)


def write_newcomer(
    connection: Connection, vote: int, voter: str, newcomer: Newcomer, now: datetime
) -> None:
    """Note that the vote at a position is by a new voter, and forget what is long past."""
    connection.execute(
        insert(newcomers),
        {
            "vote": vote,
            "voter": voter,
            "address": newcomer.address,
            "is_burst": newcomer.is_burst,
            "voted_at": to_microseconds(now),
        },
    )
    long_ago = to_microseconds(now - REMEMBERED)
    connection.execute(delete(newcomers).where(newcomers.c.voted_at < long_ago))


def list_crowds(connection: Connection) -> list[Crowd]:
    """Return the addresses with many new voters, the largest first."""
    voters = func.count(newcomers.c.voter.distinct())
    query = (
        select(
            newcomers.c.address,
            voters,
            func.count(),
            func.sum(votes.c.weight).filter(votes.c.exclusion.is_(None)),
            func.count().filter(newcomers.c.is_burst),
            func.min(newcomers.c.voted_at),
            func.max(newcomers.c.voted_at),
        )
        .join_from(newcomers, votes, newcomers.c.vote == votes.c.seq)
        .group_by(newcomers.c.address)
        .having(voters >= MIN_CROWD)
        .order_by(voters.desc())
    )
    return [
        Crowd(
            address,
            people,
            count,
            float(weight or 0.0),
            burst,
            from_microseconds(first),
            from_microseconds(last),
        )
        for address, people, count, weight, burst, first, last in connection.execute(query)
    ]


def _is_established(connection: Connection, voter: str, now: datetime) -> bool:
    query = (
        select(votes.c.seq)
        .where(votes.c.voter == voter)
        .where(votes.c.voted_at <= to_microseconds(now - ESTABLISHED_AFTER))
        .where(votes.c.weight >= ESTABLISHING_WEIGHT, votes.c.exclusion.is_(None))
        .limit(1)
    )
    return connection.execute(query).first() is not None
