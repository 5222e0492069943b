"""Creates a database of votes, or brings an older one up to date, with Alembic's scripts."""

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
"""Table of Alembic's version; not its usual name, to tell our databases from others."""

_SCRIPTS = Path(__file__).parent
_LOCK_NUMBER = 0x766F746573  # "votes": PostgreSQL names advisory locks by numbers
_one_at_a_time = threading.Lock()  # Alembic keeps the running migration in a global


def is_current(connection: Connection) -> bool:
    """Whether the database is up to date; this only reads."""
    return _revision(connection) == _list_versions()[0]


def migrate(connection: Connection) -> None:
    """Bring the database up to date within the connection's writing transaction.

    Raises:
        VotesError: it belongs to another program, or to a newer version of this one.
    """
    if connection.dialect.name == "postgresql":  # SQLite needs no lock
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
    versions, found = _list_versions(), _revision(connection)
    if found is None and inspect(connection).get_table_names():
        raise VotesError("This database belongs to another program. Give the votes their own.")
    if found is not None and found not in versions:
        raise VotesError("This database was written by a newer version of this program. Update it.")
    if found != versions[0]:
        _upgrade(connection)


def _list_versions() -> list[str]:
    """Return the versions, newest first."""
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
