"""Votes of voters who are new, with keyed hashes of their addresses for a month."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "newcomers",
        sa.Column("vote", sa.Integer, nullable=False),
        sa.Column("voter", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("is_burst", sa.Boolean, nullable=False),
        sa.Column("voted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("vote", name="newcomers_pk"),
        sa.ForeignKeyConstraint(["vote"], ["votes.seq"], name="newcomers_vote_of_votes"),
    )
    op.create_index("newcomers_by_address", "newcomers", ["address", "voted_at"])
    op.create_index("newcomers_by_time", "newcomers", ["voted_at"])
