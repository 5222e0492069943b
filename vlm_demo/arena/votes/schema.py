"""The tables of votes. `migrations` makes them; a change here needs a new version there."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "uq": "%(table_name)s_%(column_0_name)s_once",
        "fk": "%(table_name)s_%(column_0_name)s_of_%(referred_table_name)s",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)

votes = Table(
    "votes",
    metadata,
    # The place in the chain, which votes share with withdrawals: 1, 2, 3, ... without a gap.
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("battle", Text, nullable=False, unique=True),  # stays when the vote is withdrawn
    # Everything from here to the digest becomes NULL then.
    Column("model_a", Text),  # a stood on the left, or above
    Column("revision_a", Text),
    Column("engine_a", Text),
    Column("outputs_a", Text),  # a JSON list
    Column("model_b", Text),
    Column("revision_b", Text),
    Column("engine_b", Text),
    Column("outputs_b", Text),
    Column("winner", Text),  # NULL: withdrawn
    Column("boxes", Text),
    Column("task", Text),
    Column("language", Text),
    Column("parameters", Text),  # a JSON object
    Column("seed", BigInteger),
    Column("prompt_hash", Text),
    Column("picture_hash", Text),
    Column("question", BigInteger),  # a number of both hashes, for an index that stays short
    Column("turns", Integer),
    Column("began_at", BigInteger),  # times are microseconds since 1970 UTC
    Column("ended_at", BigInteger),
    Column("voted_at", BigInteger),
    Column("voter", Text),
    Column("tags", Text),  # a JSON list
    Column("comment", Text),
    Column("origin", Text),
    Column("exclusion", Text),
    Column("weight", Double),
    Column("conversation", Text),  # a digest; NULL: it was not kept
    Column("salt", Text),  # random, so that nobody guesses a withdrawn vote from its digest
    Column("digest", Text, nullable=False),
    Column("link", Text, nullable=False),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("vote", ForeignKey(votes.c.seq), nullable=False, unique=True),
    Column("made_at", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("link", Text, nullable=False),
)

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),  # of the last vote or withdrawal; 0: there is none
    Column("link", Text, nullable=False),
    Column("deletions", Integer, nullable=False),  # how many withdrawals there are
    CheckConstraint("id = 1", "single"),
)

turns = Table(
    "turns",
    metadata,
    Column("vote", ForeignKey(votes.c.seq), primary_key=True),
    Column("turn", Integer, primary_key=True),  # 0, 1, 2, ...
    Column("text", Text, nullable=False),
)

pictures = Table(
    "pictures",
    metadata,
    Column("vote", ForeignKey(votes.c.seq), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),  # among the pictures of the turn: 0, 1, 2, ...
    Column("file", LargeBinary, nullable=False),
)

rated = and_(votes.c.exclusion.is_(None), votes.c.winner.is_not(None))
"""Says of a row that it counts in ratings."""

Index(
    "votes_rated",  # holds all that is counted, so that counting never reads the long rows
    votes.c.task,
    votes.c.language,
    votes.c.origin,
    votes.c.model_a,
    votes.c.model_b,
    votes.c.winner,
    votes.c.boxes,
    votes.c.weight,
    votes.c.voted_at,
    votes.c.exclusion,  # SQLite looks at it again, although it is among the conditions
    sqlite_where=rated,
    postgresql_where=rated,
    postgresql_include=["seq"],  # SQLite puts it into every index
)
Index("votes_by_voter", votes.c.voter, votes.c.voted_at)
Index("votes_by_time", votes.c.origin, votes.c.voted_at)
Index("votes_by_question", votes.c.question)

CHAIN = frozenset({"seq", "digest", "link"})
CONTENT = tuple(column.name for column in votes.columns if column.name not in CHAIN)
"""The columns that a vote's digest covers."""

WITHDRAWN = tuple(name for name in CONTENT if name != "battle")
"""The columns that are emptied when a vote is withdrawn."""
