"""How many battles and votes there may be in a while."""

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
HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most of each."""

    votes_a_minute: int = 10  # of one voter
    votes_an_hour: int = 120
    battles_a_minute: int = 20  # of one voter; not every battle comes to a vote
    battles_an_hour: int = 240
    all_a_minute: int = 600  # of all voters together, votes and battles each


class _Event(NamedTuple):
    at: float  # seconds
    voter: str


class Window:
    """What happened in the last hour, by whom; times are seconds of `clock`."""

    def __init__(
        self,
        what: str,
        *,
        a_minute: int,
        an_hour: int,
        all_a_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what  # for people, in the plural
        self._a_minute = a_minute
        self._an_hour = an_hour
        self._all_a_minute = all_a_minute
        self._clock = clock
        self._all: deque[_Event] = deque()  # oldest first
        self._by_voter: dict[str, deque[_Event]] = {}
        self._lock = Lock()

    @contextmanager
    def counted(self, voter: str) -> Iterator[None]:
        """Count one more; it does not count if what is done inside fails.

        Raises:
            RateLimitError: it would be one too many; the message says when to try again.
        """
        event = self._admitted(voter)
        try:
            yield
        except BaseException:
            self._take_back(event)
            raise

    def _admitted(self, voter: str) -> _Event:
        with self._lock:
            now = self._clock()
            self._forget(now - HOUR)
            own = self._by_voter.get(voter, deque())
            wait = (
                max(
                    _nth_newest(own, self._a_minute) + MINUTE,
                    _nth_newest(own, self._an_hour) + HOUR,
                    _nth_newest(self._all, self._all_a_minute) + MINUTE,
                )
                - now
            )
            if wait > 0:
                raise too_many(self._what, wait)
            event = _Event(now, voter)
            self._all.append(event)
            self._by_voter.setdefault(voter, deque()).append(event)
            return event

    def _forget(self, before: float) -> None:
        while self._all and self._all[0].at <= before:
            voter = self._all.popleft().voter
            self._by_voter[voter].popleft()
            if not self._by_voter[voter]:
                del self._by_voter[voter]

    def _take_back(self, event: _Event) -> None:
        with self._lock:
            if event in self._all:  # it may have grown too old meanwhile
                self._all.remove(event)
                self._by_voter[event.voter].remove(event)


def too_many(what: str, wait_s: float) -> RateLimitError:
    """Return the error that says when to try again."""
    when = f"{ceil(wait_s)} seconds" if wait_s < MINUTE else f"{ceil(wait_s / MINUTE)} minutes"
    return RateLimitError(f"There were too many {what} in a short time. Please wait {when}.")


def _nth_newest(events: deque[_Event], n: int) -> float:
    """When the n-th newest of some events was; long ago, where there are fewer."""
    return events[-n].at if len(events) >= n else -inf
