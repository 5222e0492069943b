"""How fast two answers are revealed, so that the pace does not give a model away."""

from __future__ import annotations

MIN_RATE = 40.0
"""Slowest rate for the rest of the longer answer, in characters per second."""

MAX_RATE = 400.0
"""Fastest rate for the rest of the longer answer, in characters per second."""

MAX_REST_S = 20.0
"""Longest time in seconds for a rest that is complete, so that nobody waits minutes to vote."""


class RevealPace:
    """Decides how many characters of either answer may be shown.

    While both are being written, that is the length of the shorter one. Once the shorter one is
    complete and shown, the other continues at the rate of both until then, and not as fast as it is
    written: a change of pace would reveal that its model had been waiting. Times are in seconds of
    any clock.
    """

    def __init__(self) -> None:
        self._shown = 0.0
        self._first: tuple[float, float] | None = None  # when something was first shown, how much
        self._together_until = 0.0
        self._now = 0.0
        self._rate: float | None = None  # of the rest; None before it begins

    def advance(self, lengths: tuple[int, int], ended: tuple[bool, bool], now: float) -> int:
        """Return the number of characters, given the lengths so far and whether those are final."""
        elapsed, self._now = now - self._now, now
        growing = [length for length, over in zip(lengths, ended, strict=True) if not over]
        available = min(growing) if growing else max(lengths)
        together = min(lengths)
        if together > self._shown:
            self._first = self._first or (now, together)
            self._shown, self._together_until = together, now
        elif available > self._shown:
            if self._rate is None:
                self._rate = self._rate_so_far()
            elif not growing:
                self._rate = max(self._rate, (available - self._shown) / MAX_REST_S)
            self._shown = min(available, self._shown + self._rate * elapsed)
        return int(self._shown + 1e-6)

    def _rate_so_far(self) -> float:
        start, first_length = self._first or (0.0, 0.0)
        duration = self._together_until - start
        rate = (self._shown - first_length) / duration if duration > 0 else MAX_RATE
        return min(max(rate, MIN_RATE), MAX_RATE)
