"""The speed of a batch, and the time that it still takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW = 48
"""Number of the newest pictures that the estimate is based on."""

MIN_IMAGES = 3
"""Number of pictures before there is an estimate."""


class Throughput:
    """Measures pictures per second since `start`, so that loading and pauses do not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=WINDOW + 1)

    def start(self) -> None:
        """Start measuring anew."""
        self._times.clear()
        self._times.append(self._clock())

    def count(self) -> None:
        """Count one more picture."""
        self._times.append(self._clock())

    @property
    def per_s(self) -> float:
        """Pictures per second; 0: not known yet.

        Measured until now and not until the last picture, so that it falls when a model hangs.
        """
        if len(self._times) <= MIN_IMAGES:
            return 0.0
        since = self._clock() - self._times[0]
        return (len(self._times) - 1) / since if since > 0 else 0.0

    def remaining_s(self, images: int) -> float | None:
        """Return the seconds that this many pictures take; None: not known yet."""
        if not images:
            return 0.0
        return images / self.per_s if self.per_s else None


def format_remaining(seconds: float) -> str:
    """Return a duration in words, as precise as an estimate can be: "3 h 20 min"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{minutes // 1440} d"
