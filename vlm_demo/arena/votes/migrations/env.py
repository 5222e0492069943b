"""Runs first in Alembic; `runner` passes the connection, within a transaction."""

from alembic import context

from vlm_demo.arena.votes.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
)
context.run_migrations()
