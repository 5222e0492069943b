"""Counts what an engine has done, and what its caches have saved."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any

from vlm_demo.engines.base import Usage


class Statistics:
    """Counters that can be used in every thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def count_prompt(self, tokens: int, reused: int) -> None:
        """Count a prompt, and those of its tokens that did not have to be computed."""
        self._add(requests=1, prompt_tokens=tokens, reused_tokens=reused)

    def count_image(self, *, reused: bool) -> None:
        """Count a request's images shown to the vision tower."""
        self._add(images=1, reused_images=int(reused))

    def count_step(self, tokens: int) -> None:
        """Count a decode step over all requests."""
        self._add(steps=1, tokens=tokens)

    def usage(self, **now: Any) -> Usage:
        """Return the counts, together with current values."""
        with self._lock:
            counts: dict[str, Any] = dict(self._counts)
        return Usage(**counts, **now)

    def _add(self, **counts: int) -> None:
        with self._lock:
            self._counts.update(counts)
