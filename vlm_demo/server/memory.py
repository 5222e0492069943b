"""Gives memory that nothing holds any more back to the system.

The C library keeps what is freed, in pieces between what is still used: a process that answers
thousands of requests grows by about a megabyte for each, although no object is left of them.
Source: https://man7.org/linux/man-pages/man3/malloc_trim.3.html
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from threading import Event, Thread

INTERVAL_S = 20.0
"""Seconds between two trims; one takes some milliseconds, and longer where much is given back."""


def find_trim() -> Callable[[], None] | None:
    """Return what gives memory back; None where the C library does not offer it."""
    if sys.platform != "linux":
        return None
    try:
        trim = ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):  # not glibc
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return lambda: trim(0)


class MemoryTrimmer:
    """A thread that gives memory back again and again, until it is closed."""

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        """Begin, where the system allows it."""
        self._ended = Event()
        self._trim = find_trim()
        self._interval_s = interval_s
        if self._trim:
            Thread(target=self._run, args=(self._trim,), name="memory", daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._ended.set()

    def _run(self, trim: Callable[[], None]) -> None:
        while not self._ended.wait(self._interval_s):
            trim()
