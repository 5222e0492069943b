"""How fast a batch is, and when it will be done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW = 48
"""Pictures that the estimate looks back on: what was long ago says little of what is to come."""

FEWEST = 3
"""Pictures before there is an estimate; fewer would promise anything."""


class Tempo:
    """Counts pictures by the clock from `start`, so that loading and pauses do not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=WINDOW + 1)

    def start(self) -> None:
        """Forget what was, and count from now."""
        self._times.clear()
        self._times.append(self._clock())

    def count(self) -> None:
        """One picture is done."""
        self._times.append(self._clock())

    @property
    def per_s(self) -> float:
        """Pictures per second lately; 0: not known yet.

        Measured until now and not until the last picture, so that it sinks when nothing comes.
        """
        if len(self._times) <= FEWEST:
            return 0.0
        since = self._clock() - self._times[0]
        return (len(self._times) - 1) / since if since > 0 else 0.0

    def left_s(self, pictures: int) -> float | None:
        """Return the seconds that this many pictures will take; None: not known yet."""
        if not pictures:
            return 0.0
        return pictures / self.per_s if self.per_s else None


def about(seconds: float) -> str:
    """Say how long something will take, no more exactly than it is known: "3 h 20 min"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{minutes // 1440} d"
