"""The tables of the votes. `migrations` creates them; a change here needs a new version there."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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
    # The position in the chain, which votes share with withdrawals: 1, 2, 3, ... without a gap.
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("battle", Text, nullable=False, unique=True),  # stays when the vote is withdrawn
    # Everything from here down to the digest becomes NULL when it is.
    Column("model_a", Text),  # a was on the left, or on top
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
    Column("question", BigInteger),  # a number made of both hashes, to keep the index short
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
    Column("category", Text),  # NULL: it was not known when the vote was cast
    Column("salt", Text),  # random, so that a withdrawn vote cannot be guessed from its digest
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
    Column("seq", Integer, nullable=False),  # of the last vote or withdrawal; 0: none yet
    Column("link", Text, nullable=False),
    Column("deletions", Integer, nullable=False),  # number of withdrawals
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

feedback = Table(
    "feedback",
    metadata,
    Column("voter", Text, primary_key=True),
    Column("answer", Text, primary_key=True),
    Column("model", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("question", Text, nullable=False, server_default=""),  # of a flagged answer alone
    Column("reply", Text, nullable=False, server_default=""),
)

newcomers = Table(
    "newcomers",
    metadata,
    Column("vote", ForeignKey(votes.c.seq), primary_key=True),
    Column("voter", Text, nullable=False),
    Column("address", Text, nullable=False),  # a keyed hash
    Column("is_burst", Boolean, nullable=False),
    Column("voted_at", BigInteger, nullable=False),
)

Index("newcomers_by_address", newcomers.c.address, newcomers.c.voted_at)
Index("newcomers_by_time", newcomers.c.voted_at)

judgements = Table(
    "judgements",
    metadata,
    Column("vote", ForeignKey(votes.c.seq), primary_key=True),
    Column("judge", Text, primary_key=True),
    Column("winner", Text, nullable=False),
    Column("is_steady", Boolean, nullable=False),
    Column("judged_at", BigInteger, nullable=False),
)

counts_in_ratings = and_(votes.c.exclusion.is_(None), votes.c.winner.is_not(None))
"""Condition that a row counts in ratings."""

Index(
    "votes_rated",  # covers every counted column, so that counting never reads the long rows
    votes.c.task,
    votes.c.language,
    votes.c.origin,
    votes.c.category,
    votes.c.model_a,
    votes.c.model_b,
    votes.c.winner,
    votes.c.boxes,
    votes.c.weight,
    votes.c.voted_at,
    votes.c.exclusion,  # SQLite checks it again, although it is among the conditions
    sqlite_where=counts_in_ratings,
    postgresql_where=counts_in_ratings,
    postgresql_include=["seq"],  # SQLite adds it to every index
)
Index("votes_by_voter", votes.c.voter, votes.c.voted_at)
Index("votes_by_time", votes.c.origin, votes.c.voted_at)
Index("votes_by_question", votes.c.question)

CHAIN_COLUMNS = frozenset({"seq", "digest", "link"})
"""Columns that place a row in the chain."""

CONTENT_COLUMNS = tuple(column.name for column in votes.columns if column.name not in CHAIN_COLUMNS)
"""Columns that a vote's digest covers."""

LATER_COLUMNS = frozenset({"category"})
"""Columns that an earlier version did not have; copies of the chain leave them out where empty."""

ERASED_COLUMNS = tuple(name for name in CONTENT_COLUMNS if name != "battle")
"""Columns that are emptied when a vote is withdrawn."""
