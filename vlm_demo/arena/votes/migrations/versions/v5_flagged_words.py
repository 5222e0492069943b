"""What was asked and answered, of answers that visitors flag."""

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"


def upgrade() -> None:
    """Add the columns."""
    for name in ("question", "reply"):
        op.add_column("feedback", sa.Column(name, sa.Text, nullable=False, server_default=""))
