"""Answers with the times at which they came."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

Asked = Callable[[], Iterator[str]]
"""Asks when it is called; yields the text so far, whenever there is more of it."""


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer; times are in seconds of a clock on the wall, since it was asked for."""

    text: str
    first_s: float
    whole_s: float


def timed(ask: Asked, *, since: float | None = None) -> Timed:
    """Wait for an answer; `since` is when it was asked for, if not now."""
    start = time.perf_counter() if since is None else since
    text, first = "", None
    for text in ask():
        if text and first is None:
            first = time.perf_counter() - start
    whole = time.perf_counter() - start
    return Timed(text, whole if first is None else first, whole)


def together(asked: Sequence[Asked]) -> list[Timed]:
    """Ask for all answers at once, each in a thread of its own; wait for all."""
    start = time.perf_counter()
    with ThreadPoolExecutor(len(asked)) as threads:
        return list(threads.map(lambda ask: timed(ask, since=start), asked))
