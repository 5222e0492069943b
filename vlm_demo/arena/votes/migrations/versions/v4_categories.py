"""What battles were about, and what judge models think of them."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"

RATED = sa.text("exclusion IS NULL AND winner IS NOT NULL")


def upgrade() -> None:
    """Add the column, put it into the index of the counted columns, and create the table."""
    op.add_column("votes", sa.Column("category", sa.Text))
    op.drop_index("votes_rated", "votes")
    op.create_index(
        "votes_rated",
        "votes",
        [
            *("task", "language", "origin", "category", "model_a", "model_b", "winner", "boxes"),
            *("weight", "voted_at", "exclusion"),
        ],
        sqlite_where=RATED,
        postgresql_where=RATED,
        postgresql_include=["seq"],
    )
    op.create_table(
        "judgements",
        sa.Column("vote", sa.Integer, nullable=False),
        sa.Column("judge", sa.Text, nullable=False),
        sa.Column("winner", sa.Text, nullable=False),
        sa.Column("is_steady", sa.Boolean, nullable=False),
        sa.Column("judged_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("vote", "judge", name="judgements_pk"),
        sa.ForeignKeyConstraint(["vote"], ["votes.seq"], name="judgements_vote_of_votes"),
    )
