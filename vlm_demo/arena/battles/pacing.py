"""How fast two answers are shown, so that the pace says nothing about who wrote which."""

from __future__ import annotations

SLOWEST = 40.0
"""Characters a second at which the rest of the longer answer goes on at least ..."""

FASTEST = 400.0
"""... and at most, whatever the pace was."""

LONGEST_REST_S = 20.0
"""Longest time for a rest that is all written, so that nobody waits minutes for the vote."""


class Pace:
    """How many characters of either answer may be seen.

    While both are being written, as many as the shorter one has. When the shorter one is complete
    and seen, the other goes on as fast as both did until then, and not as fast as it comes:
    a change of pace would tell that the other model had been waiting. Times are in seconds of any
    clock.
    """

    def __init__(self) -> None:
        self._seen = 0.0
        self._first: tuple[float, float] | None = None  # when something was seen, and how much
        self._together_until = 0.0
        self._now = 0.0
        self._rate: float | None = None  # of the rest; None: nobody is at the rest yet

    def advance(self, lengths: tuple[int, int], ended: tuple[bool, bool], now: float) -> int:
        """Return how many, from what either side has written so far and whether that is all."""
        passed, self._now = now - self._now, now
        growing = [length for length, over in zip(lengths, ended, strict=True) if not over]
        written = min(growing) if growing else max(lengths)
        together = min(lengths)
        if together > self._seen:
            self._first = self._first or (now, together)
            self._seen, self._together_until = together, now
        elif written > self._seen:
            if self._rate is None:
                self._rate = self._rate_so_far()
            elif not growing:
                self._rate = max(self._rate, (written - self._seen) / LONGEST_REST_S)
            self._seen = min(written, self._seen + self._rate * passed)
        return int(self._seen + 1e-6)

    def _rate_so_far(self) -> float:
        began, at_first = self._first or (0.0, 0.0)
        took = self._together_until - began
        rate = (self._seen - at_first) / took if took > 0 else FASTEST
        return min(max(rate, SLOWEST), FASTEST)
