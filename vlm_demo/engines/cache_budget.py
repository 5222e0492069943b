"""One limit in bytes for everything that models keep to spare themselves work."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Kept:
    """Something that is kept as long as there is room; `forget` is called when there is not."""

    __slots__ = ("forget", "size")

    def __init__(self, size: int, forget: Callable[[], None]) -> None:
        self.size = size  # bytes
        self.forget = forget


class CacheBudget:
    """Decides what is kept: within a number of bytes, what was used last. Safe in every thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit  # bytes
        self._lock = Lock()
        self._kept: dict[Kept, None] = {}  # least recently used first
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are kept now."""
        return self._size

    def keep(self, kept: Kept) -> bool:
        """Take something in, or return False where it is larger than everything may be.

        What has not been used for longest is forgotten to make room, whoever had it kept.
        """
        if kept.size > self.limit:
            return False
        gone: list[Kept] = []
        with self._lock:
            self._kept[kept] = None
            self._size += kept.size
            while self._size > self.limit:
                oldest = next(iter(self._kept))
                self._leave(oldest)
                gone.append(oldest)
        for old in gone:
            old.forget()
        return True

    def touch(self, kept: Kept) -> None:
        """Note that something was used."""
        with self._lock:
            if kept in self._kept:
                del self._kept[kept]
                self._kept[kept] = None

    def drop(self, kept: Kept) -> None:
        """Stop counting something that its owner has given up."""
        with self._lock:
            if kept in self._kept:
                self._leave(kept)

    def clear(self) -> None:
        """Forget everything, of whoever had it kept."""
        with self._lock:
            gone = list(self._kept)
            for kept in gone:
                self._leave(kept)
        for kept in gone:
            kept.forget()

    def _leave(self, kept: Kept) -> None:
        del self._kept[kept]
        self._size -= kept.size
