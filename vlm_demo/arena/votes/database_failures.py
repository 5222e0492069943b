"""Database errors explained to people."""

from __future__ import annotations

import sqlite3
from types import MappingProxyType

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from vlm_demo.translatable_text import DisplayText, TranslatableText, message

BUSY = message("The votes database is busy. Try again in a moment.")
FULL = message("The votes cannot be saved: the disk is full. Free some space and try again.")
GONE = message("The votes database cannot be reached. Try again when it is back.")
DISK = message(
    "The disk with the votes failed: it may be full or missing. Try again when it is back."
)
READ_ONLY = message("The votes cannot be saved: their database is read-only.")
NO_DATABASE = message("The votes file is not a database, or is damaged.")
MISFIT = message("The votes contradict each other. Run `python -m vlm_demo votes verify`.")
OTHER = message("The votes database failed: {error}")

# Primary result codes, the low byte of extended ones: https://www.sqlite.org/rescode.html
_SQLITE = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: BUSY,
        sqlite3.SQLITE_LOCKED: BUSY,
        sqlite3.SQLITE_FULL: FULL,
        sqlite3.SQLITE_IOERR: DISK,
        sqlite3.SQLITE_CANTOPEN: GONE,
        sqlite3.SQLITE_READONLY: READ_ONLY,
        sqlite3.SQLITE_NOTADB: NO_DATABASE,
        sqlite3.SQLITE_CORRUPT: NO_DATABASE,
        sqlite3.SQLITE_CONSTRAINT: MISFIT,
    }
)

# Whole codes, or their class, the first two characters:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRESQL = MappingProxyType(
    {
        "55P03": BUSY,  # lock_not_available
        "40": BUSY,  # transaction_rollback: deadlocks and the like
        "57014": BUSY,  # query_canceled
        "53300": BUSY,  # too_many_connections
        "53100": FULL,  # disk_full
        "57P": GONE,  # the server stops or starts
        "08": GONE,  # connection_exception
        "25006": READ_ONLY,  # read_only_sql_transaction
        "42501": READ_ONLY,  # insufficient_privilege
        "23": MISFIT,  # integrity_constraint_violation
    }
)


def explain_failure(error: SQLAlchemyError) -> DisplayText:
    """Return what went wrong and what to do."""
    if isinstance(error, PoolTimeoutError):
        return BUSY
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        reason = _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    elif isinstance(cause, psycopg.Error):
        reason = _explain_postgresql(cause)
    else:
        reason = None
    return reason or TranslatableText(OTHER, {"error": str(cause or error)})


def _explain_postgresql(error: psycopg.Error) -> str | None:
    code = error.sqlstate
    if code is None:  # the connection was refused or lost
        return GONE if isinstance(error, psycopg.OperationalError) else None
    return next((_POSTGRESQL[code[:n]] for n in (5, 3, 2) if code[:n] in _POSTGRESQL), None)
