"""Limits on how often people may start battles and vote, in a moving window of time.

The library `limits` has moving windows too, but no way to take back what then failed, and it checks
each limit by itself: a request that the second limit refuses would count against the first.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, inf
from threading import Lock
from typing import NamedTuple

from vlm_demo.errors import RateLimitError

MINUTE = 60.0
"""A minute in seconds."""

HOUR = 3600.0
"""An hour in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Largest numbers of votes and battles."""

    votes_a_minute: int = 10  # per voter
    votes_an_hour: int = 120
    battles_a_minute: int = 20  # per voter; not every battle gets a vote
    battles_an_hour: int = 240
    all_a_minute: int = 600  # of all voters together; votes and battles each


class _Event(NamedTuple):
    time: float  # in seconds of the clock
    voter: str


class MovingWindow:
    """Events of the last hour, per voter and in all; times are in seconds of `clock`."""

    def __init__(
        self,
        noun: str,
        *,
        a_minute: int,
        an_hour: int,
        all_a_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._noun = noun  # what is counted, in the plural
        self._a_minute = a_minute
        self._an_hour = an_hour
        self._all_a_minute = all_a_minute
        self._clock = clock
        self._all: deque[_Event] = deque()  # oldest first
        self._by_voter: dict[str, deque[_Event]] = {}
        self._lock = Lock()

    @contextmanager
    def admit(self, voter: str) -> Iterator[None]:
        """Count one event, unless the body of the `with` statement fails.

        Raises:
            RateLimitError: it is one too many; the message says when to try again.
        """
        event = self._record(voter)
        try:
            yield
        except BaseException:
            self._take_back(event)
            raise

    def _record(self, voter: str) -> _Event:
        with self._lock:
            now = self._clock()
            self._forget(now - HOUR)
            own = self._by_voter.get(voter, deque())
            wait = (
                max(
                    _nth_newest_time(own, self._a_minute) + MINUTE,
                    _nth_newest_time(own, self._an_hour) + HOUR,
                    _nth_newest_time(self._all, self._all_a_minute) + MINUTE,
                )
                - now
            )
            if wait > 0:
                raise rate_limit_error(self._noun, wait)
            event = _Event(now, voter)
            self._all.append(event)
            self._by_voter.setdefault(voter, deque()).append(event)
            return event

    def _forget(self, before: float) -> None:
        while self._all and self._all[0].time <= before:
            voter = self._all.popleft().voter
            self._by_voter[voter].popleft()
            if not self._by_voter[voter]:
                del self._by_voter[voter]

    def _take_back(self, event: _Event) -> None:
        with self._lock:
            if event in self._all:  # it may have expired meanwhile
                self._all.remove(event)
                self._by_voter[event.voter].remove(event)


def rate_limit_error(noun: str, wait_s: float) -> RateLimitError:
    """Return the error that says when to try again; `noun` is a plural."""
    when = f"{ceil(wait_s)} seconds" if wait_s < MINUTE else f"{ceil(wait_s / MINUTE)} minutes"
    return RateLimitError(f"There were too many {noun} in a short time. Please wait {when}.")


def _nth_newest_time(events: deque[_Event], n: int) -> float:
    """Return the time of the n-th newest event; minus infinity if there are fewer."""
    return events[-n].time if len(events) >= n else -inf
