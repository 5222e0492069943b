"""The bridge from threads that produce to the generator that hands out what they produce."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Generator
from contextlib import closing
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Generic, TypeVar, overload

HEARTBEAT_S = 0.25
"""Longest silence of a generator in seconds: it can be closed only when it yields."""

PACE_S = 0.05
"""Shortest time in seconds between two items for a page, which only slows down if redrawn more."""

T = TypeVar("T")


class _End:
    """The last thing in a channel: nothing follows."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Channel(Generic[T]):
    """Carries items, which are never None, from any number of threads to one reader."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[T | _End] = SimpleQueue()
        self._end: _End | None = None  # read ahead, while looking for the newest item
        self._is_finished = self._is_closed = False
        self._finishing = Lock()

    @property
    def is_closed(self) -> bool:
        """Whether nobody reads any more."""
        return self._is_closed

    def put(self, item: T) -> bool:
        """Pass on an item; return False when it is in vain: the reader has gone, or the end."""
        if self._is_closed or self._is_finished:
            return False
        self._queue.put(item)
        return True

    def finish(self, error: BaseException | None = None) -> None:
        """End the stream, with an error that is raised where it is read. The first call counts."""
        with self._finishing:
            if not self._is_finished:
                self._is_finished = True
                self._queue.put(_End(error))

    def close(self) -> None:
        """Tell the producers that nobody reads any more."""
        self._is_closed = True

    def feed(
        self, source: Callable[[], Generator[T, None, None]], name: str, *, ends: bool = True
    ) -> None:
        """Pass on all that a generator yields, in a thread of this name, as long as it is read.

        Args:
            source: returns the generator.
            name: of the thread.
            ends: whether the stream ends with the generator; otherwise only an error ends it.
        """
        run_in_thread(partial(self._feed, source, ends), name)

    def _feed(self, source: Callable[[], Generator[T, None, None]], ends: bool) -> None:
        try:
            with closing(source()) as items:
                for item in items:
                    if not self.put(item):
                        return
        except Exception as error:  # the border of a thread: raised again where it is read
            self.finish(error)
        finally:
            if ends:
                self.finish()

    @overload
    def iterate(self) -> Generator[T, None, None]: ...

    @overload
    def iterate(
        self,
        heartbeat_s: float,
        *,
        first_heartbeat_s: float | None = None,
        newest_only: bool = False,
        pace_s: float = 0.0,
    ) -> Generator[T | None, None, None]: ...

    def iterate(
        self,
        heartbeat_s: float | None = None,
        *,
        first_heartbeat_s: float | None = None,
        newest_only: bool = False,
        pace_s: float = 0.0,
    ) -> Generator[T | None, None, None]:
        """Yield the items until the end; closing the generator closes the channel.

        Args:
            heartbeat_s: None is yielded after this many seconds without an item.
            first_heartbeat_s: the same before anything was yielded, where it differs.
            newest_only: leave out items that are followed by others already.
            pace_s: seconds to pause after each item.

        Raises:
            BaseException: what the channel was finished with.
        """
        wait_s = heartbeat_s if first_heartbeat_s is None else first_heartbeat_s
        try:
            while True:
                item = self._get(wait_s, newest_only=newest_only)
                if isinstance(item, _End):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
                wait_s = heartbeat_s
                if pace_s and item is not None and self._end is None:
                    time.sleep(pace_s)
        finally:
            self.close()

    def _get(self, wait_s: float | None, *, newest_only: bool) -> T | _End | None:
        if self._end is not None:
            return self._end
        try:
            item = self._queue.get(timeout=wait_s)
        except Empty:
            return None
        try:
            while newest_only and not isinstance(item, _End):
                following = self._queue.get_nowait()
                if isinstance(following, _End):
                    self._end = following
                    break
                item = following
        except Empty:
            pass
        return item


def run_in_thread(work: Callable[[], None], name: str) -> None:
    """Run something in a thread that knows whose visit it is for: ZeroGPU counts by visitor."""
    Thread(target=copy_context().run, args=(work,), name=name, daemon=True).start()


def clear_frames(error: BaseException) -> None:
    """Let go of what the frames of an error and of its causes hold, such as half a model."""
    cause: BaseException | None = error
    while cause is not None:
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__
