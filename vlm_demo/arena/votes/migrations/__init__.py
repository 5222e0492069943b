"""How a database of votes becomes one of today: Alembic's scripts, one for each version."""
