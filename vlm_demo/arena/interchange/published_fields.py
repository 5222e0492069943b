"""Reads single fields of rows that others published, and says of bad ones what is wrong.

All raise InputError for a value that cannot be used.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from vlm_demo.errors import InputError

LONGEST_NAME = 200
"""In characters."""

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()


def name(row: dict[str, Any], key: str) -> str:
    """Return a name: a short text of characters that can be seen."""
    value = row.get(key)
    if value is None:
        raise InputError(f"{key} is missing")
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{key} is not a name: {shown(value)}")
    if len(value) > LONGEST_NAME or not value.isprintable():
        raise InputError(f"{key} is too long, or has characters that no name has")
    return value.strip()


def text(row: dict[str, Any], key: str, *, longest: int = LONGEST_NAME) -> str:
    """Return a text; "": there is none."""
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise InputError(f"{key} is {shown(value)}, not a text of up to {longest} characters")
    return value


def texts(row: dict[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of texts; (): there is none."""
    value = row.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{key} is not a list of texts")
    return tuple(value)


def whole_number(
    row: dict[str, Any], key: str, default: int | None, low: int, high: int
) -> int | None:
    """Return a whole number, also one that is written 1.0."""
    value = row.get(key)
    if value is None:
        return default
    if not is_number(value) or not low <= value <= high or value != int(value):
        raise InputError(f"{key} is {shown(value)}, not a whole number from {low} to {high}")
    return int(value)


def moment(row: dict[str, Any], key: str, default: datetime, now: datetime) -> datetime:
    """Return a time that was given in seconds since 1970 UTC."""
    value = row.get(key)
    if value is None:
        return default
    latest = now + timedelta(days=1)  # clocks differ
    if not is_number(value) or not _EARLIEST <= value <= latest.timestamp():
        raise InputError(
            f"{key} is {shown(value)}, not a time from 2000 to now in seconds since 1970"
        )
    return datetime.fromtimestamp(value, UTC)


def is_number(value: Any) -> bool:
    """Whether a value of JSON is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """Write a value for a message, and not too much of it."""
    written = json.dumps(value)
    return written if len(written) <= 60 else f"{written[:57]}..."
