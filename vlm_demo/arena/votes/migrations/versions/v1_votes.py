"""Votes, withdrawals, the chain over both, and conversations kept with consent."""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

RATED = sa.text("exclusion IS NULL AND winner IS NOT NULL")
FIRST_LINK = "0" * 64


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "votes",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("battle", sa.Text, nullable=False),
        sa.Column("model_a", sa.Text),
        sa.Column("revision_a", sa.Text),
        sa.Column("engine_a", sa.Text),
        sa.Column("outputs_a", sa.Text),
        sa.Column("model_b", sa.Text),
        sa.Column("revision_b", sa.Text),
        sa.Column("engine_b", sa.Text),
        sa.Column("outputs_b", sa.Text),
        sa.Column("winner", sa.Text),
        sa.Column("boxes", sa.Text),
        sa.Column("task", sa.Text),
        sa.Column("language", sa.Text),
        sa.Column("parameters", sa.Text),
        sa.Column("seed", sa.BigInteger),
        sa.Column("prompt_hash", sa.Text),
        sa.Column("picture_hash", sa.Text),
        sa.Column("question", sa.BigInteger),
        sa.Column("turns", sa.Integer),
        sa.Column("began_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("voted_at", sa.BigInteger),
        sa.Column("voter", sa.Text),
        sa.Column("tags", sa.Text),
        sa.Column("comment", sa.Text),
        sa.Column("origin", sa.Text),
        sa.Column("exclusion", sa.Text),
        sa.Column("weight", sa.Double),
        sa.Column("conversation", sa.Text),
        sa.Column("salt", sa.Text),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="votes_pk"),
        sa.UniqueConstraint("battle", name="votes_battle_once"),
    )
    op.create_index(
        "votes_rated",
        "votes",
        [
            *("task", "language", "origin", "model_a", "model_b", "winner", "boxes"),
            *("weight", "voted_at", "exclusion"),
        ],
        sqlite_where=RATED,
        postgresql_where=RATED,
        postgresql_include=["seq"],
    )
    op.create_index("votes_by_voter", "votes", ["voter", "voted_at"])
    op.create_index("votes_by_time", "votes", ["origin", "voted_at"])
    op.create_index("votes_by_question", "votes", ["question"])
    op.create_table(
        "withdrawals",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("vote", sa.Integer, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="withdrawals_pk"),
        sa.UniqueConstraint("vote", name="withdrawals_vote_once"),
        sa.ForeignKeyConstraint(["vote"], ["votes.seq"], name="withdrawals_vote_of_votes"),
    )
    op.create_table(
        "turns",
        sa.Column("vote", sa.Integer, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("vote", "turn", name="turns_pk"),
        sa.ForeignKeyConstraint(["vote"], ["votes.seq"], name="turns_vote_of_votes"),
    )
    op.create_table(
        "pictures",
        sa.Column("vote", sa.Integer, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("file", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("vote", "turn", "place", name="pictures_pk"),
        sa.ForeignKeyConstraint(["vote"], ["votes.seq"], name="pictures_vote_of_votes"),
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("deletions", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="head_pk"),
        sa.CheckConstraint("id = 1", name="head_single"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "link": FIRST_LINK, "deletions": 0}])
