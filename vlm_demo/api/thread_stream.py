"""Brings what a generator yields in a thread of its own into an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing
from threading import Lock
from typing import Generic, TypeVar

from vlm_demo.engines.channel import clear_frames, run_in_thread

T = TypeVar("T")


class _Slot(Generic[T]):
    """Holds the newest item of a producing thread until the event loop takes it."""

    def __init__(self) -> None:
        self.is_closed = False  # nobody waits any more
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._lock = Lock()  # guards what follows
        self._item: T | None = None
        self._is_finished = False
        self._error: Exception | None = None

    def put(self, item: T) -> bool:
        """Replace the item from the thread; return False when it is in vain."""
        with self._lock:
            self._item = item
        return not self.is_closed and self._wake()

    def finish(self, error: Exception | None = None) -> None:
        """End the stream from the thread."""
        with self._lock:
            self._is_finished, self._error = True, error
        self._wake()

    async def take(self, patience_s: float) -> tuple[T | None, bool]:
        """Return the newest item, None where there is none in time, and whether it is the last.

        Raises:
            Exception: what ended the stream, once its last item is taken.
        """
        try:
            async with asyncio.timeout(patience_s):
                while True:
                    await self._changed.wait()
                    with self._lock:
                        self._changed.clear()
                        item, self._item = self._item, None
                        is_last, error = self._is_finished and not self._error, self._error
                    if item is not None and error is not None:
                        self._changed.set()  # the error comes with the next call
                        return item, False
                    if error is not None:
                        raise error
                    if item is not None or is_last:
                        return item, is_last
        except TimeoutError:
            return None, False

    def _wake(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(self._changed.set)
        except RuntimeError:  # the loop is closed: the server has ended
            return False
        return True


async def iterate_in_thread(
    source: Callable[[], Generator[T, None, None]], name: str, patience_s: float
) -> AsyncGenerator[T | None, None]:
    """Yield the newest item of a generator that runs in a thread of its own.

    Items are whole states, each of which replaces the one before: those that nobody has waited for
    are left out, so a slow reader costs no memory. Closing this ends the thread with the next item
    of the generator, which is closed there.

    Args:
        source: returns the generator; its items are never None.
        name: of the thread.
        patience_s: None is yielded after this many seconds without an item.

    Raises:
        Exception: what the generator raises.
    """
    slot: _Slot[T] = _Slot()

    def produce() -> None:
        try:
            with closing(source()) as items:
                for item in items:
                    if not slot.put(item):
                        return
        except Exception as error:  # the border of a thread: raised again in the event loop
            clear_frames(error)
            slot.finish(error)
        else:
            slot.finish()

    run_in_thread(produce, name)
    try:
        while True:
            item, is_last = await slot.take(patience_s)
            if item is not None or not is_last:
                yield item
            if is_last:
                return
    finally:
        slot.is_closed = True
