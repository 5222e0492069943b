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


def time_together(requests: Sequence[Ask]) -> list[TimedAnswer]:
    """Send all requests at once, each in a thread of its own; wait for all answers."""
    start = time.perf_counter()
    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(lambda ask: time_answer(ask, since=start), requests))
