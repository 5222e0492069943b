"""Limits on how often somebody may do something, in a moving window of time.

The library `limits` has moving windows too, but no way to take back what then failed, and it checks
each limit by itself: a request that the second limit refuses would count against the first.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil, inf
from threading import Lock
from typing import NamedTuple

from vlm_demo.errors import VlmDemoError
from vlm_demo.translatable_text import TranslatableText

MINUTE = 60.0
"""A minute in seconds."""

HOUR = 3600.0
"""An hour in seconds."""


class _Event(NamedTuple):
    time: float  # in seconds of the clock
    visitor: str


class MovingWindow:
    """Events of the last hour, per visitor and in all; times are in seconds of `clock`.

    A limit of 0 is none.
    """

    def __init__(
        self,
        refuse: Callable[[float], VlmDemoError],
        *,
        a_minute: int = 0,
        an_hour: int = 0,
        all_a_minute: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without events.

        Args:
            refuse: returns the error about one too many, from the seconds to wait.
            a_minute: largest number of one visitor's events in a minute.
            an_hour: largest number of one visitor's events in an hour.
            all_a_minute: largest number of all events in a minute.
            clock: returns the time in seconds.
        """
        self._refuse = refuse
        self._a_minute = a_minute or inf
        self._an_hour = an_hour or inf
        self._all_a_minute = all_a_minute or inf
        self._clock = clock
        self._all: deque[_Event] = deque()  # oldest first
        self._by_visitor: dict[str, deque[_Event]] = {}
        self._lock = Lock()

    @contextmanager
    def admit(self, visitor: str) -> Iterator[None]:
        """Count one event, unless the body of the `with` statement fails.

        Raises:
            VlmDemoError: it is one too many; the message says when to try again.
        """
        event = self._record(visitor)
        try:
            yield
        except BaseException:
            self._take_back(event)
            raise

    def count(self, visitor: str) -> None:
        """Count one event.

        Raises:
            VlmDemoError: as `admit` does.
        """
        self._record(visitor)

    def _record(self, visitor: str) -> _Event:
        with self._lock:
            now = self._clock()
            self._forget(now - HOUR)
            own = self._by_visitor.get(visitor, deque())
            wait = (
                max(
                    _nth_newest_time(own, self._a_minute) + MINUTE,
                    _nth_newest_time(own, self._an_hour) + HOUR,
                    _nth_newest_time(self._all, self._all_a_minute) + MINUTE,
                )
                - now
            )
            if wait > 0:
                raise self._refuse(wait)
            event = _Event(now, visitor)
            self._all.append(event)
            self._by_visitor.setdefault(visitor, deque()).append(event)
            return event

    def _forget(self, before: float) -> None:
        while self._all and self._all[0].time <= before:
            visitor = self._all.popleft().visitor
            self._by_visitor[visitor].popleft()
            if not self._by_visitor[visitor]:
                del self._by_visitor[visitor]

    def _take_back(self, event: _Event) -> None:
        with self._lock:
            if event in self._all:  # it may have expired meanwhile
                self._all.remove(event)
                self._by_visitor[event.visitor].remove(event)


def describe_wait(wait_s: float) -> TranslatableText:
    """Say how long to wait: "12 seconds", "3 minutes"."""
    if wait_s < MINUTE:
        return TranslatableText("{count} seconds", {"count": ceil(wait_s)})
    return TranslatableText("{count} minutes", {"count": ceil(wait_s / MINUTE)})


def _nth_newest_time(events: deque[_Event], n: float) -> float:
    """Return the time of the n-th newest event; minus infinity if there are fewer."""
    return events[-int(n)].time if len(events) >= n else -inf
