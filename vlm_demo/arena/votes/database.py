"""The database of votes, which is created and brought up to date when it is first used."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from vlm_demo.arena.votes.database_failures import BUSY, GONE, explain_failure
from vlm_demo.arena.votes.migrations.runner import is_current, migrate
from vlm_demo.errors import SettingsError, VotesError

WAIT_S = 5.0
"""Longest wait for another writer in seconds, before the database counts as busy."""

MAX_VACUUM_BYTES = 200_000_000
"""Largest SQLite file that is rewritten after a withdrawal, which takes about a second.

Without that, copies of erased content may stay in the unused parts of some pages. Rewriting a
larger file would keep people from voting for too long; do it with SQLite's own `VACUUM`.
"""

_POOL: dict[str, Any] = {
    "pool_size": 8,
    "max_overflow": 56,
    "pool_timeout": WAIT_S,
    "hide_parameters": True,  # what people wrote must not reach the log
}

log = logging.getLogger(__name__)


class Database:
    """A database in SQLite or PostgreSQL; one that went away is found again by the next call."""

    def __init__(self, votes: str) -> None:
        """Take an SQLAlchemy URL, or the name of an SQLite file; nothing is opened yet.

        Raises:
            SettingsError: the database is neither SQLite nor PostgreSQL.
        """
        url = _parse_url(votes)
        self._file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self._file_id: tuple[int, int] | None = None  # the file as it was when opened
        self._ready = False
        self._opening = threading.Lock()
        self._writing = threading.Lock()  # serves waiting threads in turn, unlike SQLite
        self._engine = _create_engine(url)
        self._autocommit = self._engine.execution_options(
            **{"sqlite_begin": ""} if self._file else {"isolation_level": "AUTOCOMMIT"}
        )
        self._reader = self._engine  # an SQLite transaction is a snapshot anyway
        if self._file is None:
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        """Open a transaction that sees a snapshot of the database.

        Raises:
            VotesError: the database cannot be read.
        """
        with self._translate_errors():
            self._open()
            with self._reader.begin() as connection:
                yield connection

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """Open the only transaction that writes; its changes are on the disk when it ends.

        Raises:
            VotesError: the database cannot be written; nothing was changed.
        """
        with self._translate_errors(), self._hold_write_lock():
            self._open()
            with self._writer.begin() as connection:
                yield connection
            if self._is_replaced():  # meanwhile: the changes went with it
                raise VotesError(GONE)

    def scrub(self) -> None:
        """Remove the traces of erased content from the disk.

        Raises:
            VotesError: some traces are still there.
        """
        with self._translate_errors(), self._hold_write_lock():
            self._open()
            with self._autocommit.connect() as connection:
                if self._file is None:
                    connection.execute(text("VACUUM votes, turns, pictures"))
                    return
                if self._file.stat().st_size <= MAX_VACUUM_BYTES:
                    connection.execute(text("VACUUM"))
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def close(self) -> None:
        """Close the database until it is used again."""
        with self._opening:
            self._forget()
            self._file_id = None

    def _open(self) -> None:
        """Make sure that the database exists and is up to date."""
        with self._opening:
            if self._is_replaced():
                self._forget()
            if self._ready:
                return
            if self._file_id and _file_id(self._file) is None:
                # A new file would hide that the votes are lost.
                raise VotesError(GONE)
            with self._reader.begin() as connection:
                current = is_current(connection)
            if not current:  # only then does opening wait for other writers
                with self._writer.begin() as connection:
                    migrate(connection)
            self._file_id = _file_id(self._file)
            self._ready = True

    def _is_replaced(self) -> bool:
        """Whether the file that was opened is gone, or another one is in its place."""
        return self._ready and _file_id(self._file) != self._file_id

    def _forget(self) -> None:
        self._ready = False
        self._engine.dispose()

    @contextmanager
    def _hold_write_lock(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=2 * WAIT_S):
            raise VotesError(BUSY)
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            self._ready = False  # it may have changed: look again
            log.warning("The database of votes failed: %s", error)
            raise VotesError(explain_failure(error)) from error


def _parse_url(votes: str) -> URL:
    if "://" not in votes:
        return URL.create("sqlite", database=votes)
    try:
        url = make_url(votes)
    except ArgumentError as error:
        raise SettingsError("The URL of the votes database is not valid.") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise SettingsError(
            "Votes are kept in SQLite or PostgreSQL. Give a file name, or a URL such as "
            "postgresql://user:password@host/database."
        )
    return url


def _create_engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise SettingsError("Votes need a file: a database in memory would lose them.")
        engine = create_engine(url, **_POOL, connect_args={"timeout": WAIT_S})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = f"-c lock_timeout={round(WAIT_S * 1000)}"
    return create_engine(
        url,
        **_POOL,
        pool_pre_ping=True,  # a server may have restarted
        connect_args={"connect_timeout": round(WAIT_S), "options": options},
    )


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Prepare a connection; SQLAlchemy begins the transactions.

    Source: https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-enabling-transactions
    """
    connection.isolation_level = None
    _enable_wal(connection)
    for pragma in (
        "synchronous = FULL",  # an acknowledged vote survives a power cut
        "foreign_keys = ON",
        "cache_size = -65536",  # KiB; with the default of 2000, adding many votes mostly reads
        "secure_delete = ON",  # overwrites erased content; VACUUM removes the rest
    ):
        connection.execute(f"PRAGMA {pragma}")


def _enable_wal(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, so that readers and the writer do not wait for each other.

    SQLite refuses this at once while another connection writes, whatever the timeout, so the
    waiting is done here. A file needs it only once.

    Raises:
        sqlite3.OperationalError: others kept writing, or the file cannot be opened.
    """
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction; a writer waits here, since SQLite cannot make a reader wait later."""
    if begin := connection.get_execution_options().get("sqlite_begin", "BEGIN"):
        connection.exec_driver_sql(begin)


def _file_id(file: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from another of the same name; None if there is no file."""
    if file is None:
        return None
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
