"""How a database of votes is brought up to date: Alembic scripts, one per version."""
