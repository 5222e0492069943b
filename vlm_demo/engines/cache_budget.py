"""One limit in bytes for all caches of all models."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any


class CachedItem:
    """Something in a cache.

    What evicts it is given the item instead of holding it: two that held each other would keep
    their memory until Python's garbage collector looks for such circles, which is seldom.
    """

    __slots__ = ("__weakref__", "_on_evict", "size")

    def __init__(self, size: int, on_evict: Callable[[Any], None]) -> None:
        self.size = size  # bytes
        self._on_evict = on_evict

    def evict(self) -> None:
        """Take it out of its cache: its room is needed."""
        self._on_evict(self)


class CacheBudget:
    """Keeps the most recently used items within a number of bytes. Safe in every thread."""

    def __init__(self, limit: int) -> None:
        self.limit = limit  # bytes
        self._lock = Lock()
        self._items: dict[CachedItem, None] = {}  # least recently used first
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of all items."""
        return self._size

    def add(self, item: CachedItem) -> bool:
        """Add an item, or return False if it alone is larger than the limit.

        The least recently used items are evicted to make room, whichever cache they are in.
        """
        if item.size > self.limit:
            return False
        evicted: list[CachedItem] = []
        with self._lock:
            self._items[item] = None
            self._size += item.size
            while self._size > self.limit:
                oldest = next(iter(self._items))
                self._remove(oldest)
                evicted.append(oldest)
        for old in evicted:
            old.evict()
        return True

    def touch(self, item: CachedItem) -> None:
        """Note that an item was used."""
        with self._lock:
            if item in self._items:
                del self._items[item]
                self._items[item] = None

    def remove(self, item: CachedItem) -> None:
        """Stop counting an item that its cache has dropped."""
        with self._lock:
            if item in self._items:
                self._remove(item)

    def clear(self) -> None:
        """Evict every item of every cache."""
        with self._lock:
            evicted = list(self._items)
            for item in evicted:
                self._remove(item)
        for item in evicted:
            item.evict()

    def _remove(self, item: CachedItem) -> None:
        del self._items[item]
        self._size -= item.size
