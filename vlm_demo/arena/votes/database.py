"""The database of votes: connected to, made and brought up to date when it is first used."""

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

from vlm_demo.arena.votes.failures import BUSY, GONE, words_for
from vlm_demo.arena.votes.migrating import is_current, migrate
from vlm_demo.errors import SettingsError, VotesError

WAIT_S = 5.0
"""How long one waits for another who writes, before being told that the votes are busy."""

REWRITTEN_BYTES = 200_000_000
"""Files of SQLite up to this size are written anew when votes were withdrawn, in about a second.

Otherwise copies of what was overwritten may stay in the unused parts of some of its pages. Writing
a larger file would keep people from voting for too long; do that with SQLite's own `VACUUM`.
"""

_POOL: dict[str, Any] = {
    "pool_size": 8,
    "max_overflow": 56,
    "pool_timeout": WAIT_S,
    "hide_parameters": True,  # what people wrote is nothing for a log
}

log = logging.getLogger(__name__)


class Database:
    """One that is gone may come back: the next use finds it again."""

    def __init__(self, votes: str) -> None:
        """Take a URL of SQLAlchemy, or the name of an SQLite file; nothing is opened yet.

        Raises:
            SettingsError: neither SQLite nor PostgreSQL.
        """
        url = _url(votes)
        self._file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        self._file_id: tuple[int, int] | None = None  # which file it was when it was opened
        self._ready = False
        self._opening = threading.Lock()
        self._writing = threading.Lock()  # who waits here is served in turn, unlike in SQLite
        self._engine = _engine(url)
        self._unbound = self._engine.execution_options(  # by transactions
            **{"sqlite_begin": ""} if self._file else {"isolation_level": "AUTOCOMMIT"}
        )
        self._reader = self._engine  # in SQLite a transaction sees one moment anyway
        if self._file is None:
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees the database as it is at one moment.

        Raises:
            VotesError: the database cannot be read.
        """
        with self._translated():
            self._open()
            with self._reader.begin() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that is alone in writing; what it wrote is on the disk at its end.

        Raises:
            VotesError: the database cannot be written; nothing was.
        """
        with self._translated(), self._alone():
            self._open()
            with self._writer.begin() as connection:
                yield connection
            if self._moved():  # in the meantime: what was written went with it
                raise VotesError(GONE)

    def scrub(self) -> None:
        """Let the disk forget what was overwritten.

        Raises:
            VotesError: not everything is forgotten yet.
        """
        with self._translated(), self._alone():
            self._open()
            with self._unbound.connect() as connection:
                if self._file is None:
                    connection.execute(text("VACUUM votes, turns, pictures"))
                    return
                if self._file.stat().st_size <= REWRITTEN_BYTES:
                    connection.execute(text("VACUUM"))
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def close(self) -> None:
        """Let go of the database until it is used again."""
        with self._opening:
            self._forget()
            self._file_id = None

    def _open(self) -> None:
        """Make sure that the database is there and up to date."""
        with self._opening:
            if self._moved():
                self._forget()
            if self._ready:
                return
            if self._file_id and _id(self._file) is None:
                # Not to be made anew: the votes that it held would be missed by nobody.
                raise VotesError(GONE)
            with self._reader.begin() as connection:
                current = is_current(connection)
            if not current:  # only then does opening wait for others who write
                with self._writer.begin() as connection:
                    migrate(connection)
            self._file_id = _id(self._file)
            self._ready = True

    def _moved(self) -> bool:
        """Whether the file is another one than that which was opened, or is gone."""
        return self._ready and _id(self._file) != self._file_id

    def _forget(self) -> None:
        self._ready = False
        self._engine.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=2 * WAIT_S):
            raise VotesError(BUSY)
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            self._ready = False  # it may not be what it was: look again
            log.warning("The database of votes failed: %s", error)
            raise VotesError(words_for(error)) from error


def _url(votes: str) -> URL:
    if "://" not in votes:
        return URL.create("sqlite", database=votes)
    try:
        url = make_url(votes)
    except ArgumentError as error:
        raise SettingsError("The URL of the votes cannot be read.") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise SettingsError(
            "Votes are kept in SQLite or PostgreSQL: give the name of a file, or a URL such as "
            "postgresql://user:password@host/database."
        )
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise SettingsError("Votes need a file; memory forgets them.")
        engine = create_engine(url, **_POOL, connect_args={"timeout": WAIT_S})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = f"-c lock_timeout={round(WAIT_S * 1000)}"
    return create_engine(
        url,
        **_POOL,
        pool_pre_ping=True,  # a server may have been away
        connect_args={"connect_timeout": round(WAIT_S), "options": options},
    )


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Prepare a connection; SQLAlchemy begins transactions itself.

    Source: https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-enabling-transactions
    """
    connection.isolation_level = None
    _keep_a_log(connection)
    for pragma in (
        "synchronous = FULL",  # a vote that was acknowledged survives a power cut
        "foreign_keys = ON",
        "cache_size = -65536",  # KiB; with the usual 2000, adding many votes mostly reads
        "secure_delete = ON",  # what is withdrawn is overwritten, before VACUUM finds the rest
    ):
        connection.execute(f"PRAGMA {pragma}")


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Have a write-ahead log, so that readers and the one who writes do not wait for each other.

    A file gets its log once. Whoever asks for it while another writes is refused at once, whatever
    the connection's timeout, so the waiting is done here.

    Raises:
        sqlite3.OperationalError: others did not stop writing, or the file cannot be opened.
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
    """Begin; one who will write waits here, since one who has read cannot be made to wait later."""
    if begin := connection.get_execution_options().get("sqlite_begin", "BEGIN"):
        connection.exec_driver_sql(begin)


def _id(file: Path | None) -> tuple[int, int] | None:
    """Tell one file from another of the same name; None: it is not there, or is no file."""
    if file is None:
        return None
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
