"""Makes a database of votes, or brings an older one up to date, by Alembic's scripts."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from vlm_demo.errors import VotesError

VERSION_TABLE = "vlm_demo_version"
"""Not Alembic's usual name: this tells our databases from those of other programs."""

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK_NUMBER = 0x766F746573  # "votes": PostgreSQL's advisory locks have numbers for names
_one_at_a_time = threading.Lock()  # Alembic keeps the migration that runs in its module


def is_current(connection: Connection) -> bool:
    """Whether the database is up to date; it is only read."""
    return _revision(connection) == _known()[0]


def migrate(connection: Connection) -> None:
    """Bring the database up to date within the connection's transaction, which may write.

    Raises:
        VotesError: it belongs to another program, or to a newer version of this one.
    """
    if connection.dialect.name == "postgresql":  # in SQLite a writer is alone anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
    known, found = _known(), _revision(connection)
    if found is None and inspect(connection).get_table_names():
        raise VotesError(
            "This database belongs to another program. Please give the votes one of their own."
        )
    if found is not None and found not in known:
        raise VotesError(
            "This database was written by a newer version of this program. Please update it."
        )
    if found != known[0]:
        _upgrade(connection)


def _known() -> list[str]:
    """Return the versions, the newest first."""
    return [script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()]


def _revision(connection: Connection) -> str | None:
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    with _one_at_a_time:
        command.upgrade(config, "head")
