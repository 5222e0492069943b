"""Answers, and the times at which their text came."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

Ask = Callable[[], Iterator[str]]
"""Sends a request when it is called; yields the text so far whenever there is more of it."""


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """An answer; times are seconds of wall-clock time since the request."""

    text: str
    first_s: float
    total_s: float

    def has_text_of(self, other: TimedAnswer) -> bool:
        """Whether two answers agree; streamers differ in the white space at the ends."""
        return self.text.strip() == other.text.strip()


def time_answer(ask: Ask, *, since: float | None = None) -> TimedAnswer:
    """Wait for an answer; `since` is the time of the request (perf_counter), by default now."""
    start = time.perf_counter() if since is None else since
    text, first = "", None
    for text in ask():
        if text and first is None:
            first = time.perf_counter() - start
    total = time.perf_counter() - start
    return TimedAnswer(text, total if first is None else first, total)


def time_together(requests: Sequence[Ask], at_once: int | None = None) -> list[TimedAnswer]:
    """Send all requests at once, or so many at a time; wait for all answers.

    The time of each answer includes its wait for others before it.
    """
    start = time.perf_counter()
    with ThreadPoolExecutor(at_once or len(requests)) as threads:
        return list(threads.map(lambda ask: time_answer(ask, since=start), requests))
