"""Counts of what an engine has done and spared."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any

from vlm_demo.engines.base import Usage


class Statistics:
    """Adds up; read in any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def prompt(self, tokens: int, reused: int) -> None:
        """Count a prompt, and the tokens of it that did not have to be computed."""
        self._add(requests=1, prompt_tokens=tokens, reused_tokens=reused)

    def picture(self, *, reused: bool) -> None:
        """Count a look at the pictures of a request."""
        self._add(pictures=1, reused_pictures=int(reused))

    def step(self, tokens: int) -> None:
        """Count a step of decoding."""
        self._add(steps=1, tokens=tokens)

    def usage(self, **now: Any) -> Usage:
        """Return the counts, together with what is true `now`."""
        with self._lock:
            counts: dict[str, Any] = dict(self._counts)
        return Usage(**counts, **now)

    def _add(self, **counts: int) -> None:
        with self._lock:
            self._counts.update(counts)
