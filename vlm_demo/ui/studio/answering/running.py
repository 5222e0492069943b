"""The answers that are being written, so that a visitor can stop one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock


class RunningTurns:
    """Who is being answered, by visitor and turn."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stops: dict[tuple[str, str], Event] = {}

    @contextmanager
    def run(self, owner: str, turn: str) -> Iterator[Event]:
        """Run a turn; the event is set when it shall stop. A second run stops the first."""
        key, stop = (owner, turn), Event()
        with self._lock:
            earlier = self._stops.get(key)
            self._stops[key] = stop
        if earlier:
            earlier.set()
        try:
            yield stop
        finally:
            with self._lock:
                if self._stops.get(key) is stop:
                    del self._stops[key]

    def stop(self, owner: str, turn: str) -> bool:
        """Stop a turn of a visitor; False: none of this name is running."""
        with self._lock:
            stop = self._stops.get((owner, turn))
        if stop is None:
            return False
        stop.set()
        return True
