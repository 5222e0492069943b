"""Whose turn it is, where only so many can be served at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from vlm_demo.errors import EngineError, QueueFullError


class Places:
    """Lets a number of requests go on at a time, in the order in which they came; more may wait."""

    def __init__(self, *, batch: int, waiting: int) -> None:
        self._batch = batch
        self._waiting = waiting
        self._taken: list[object] = []  # one ticket a request, the oldest first
        self._closed = False
        self._changed = Condition()  # guards the two above

    @contextmanager
    def taken(self, heartbeat_s: float) -> Iterator[Iterator[int]]:
        """Take a place, and give it back in the end.

        What is yielded ends when it is this request's turn. Until then it gives the number of
        requests that must leave before, at least once in `heartbeat_s`.

        Raises:
            QueueFullError: all places are taken.
            EngineError: the places are closed, also while one waits.
        """
        ticket = object()
        with self._changed:
            self.check_open()
            if len(self._taken) >= self._batch + self._waiting:
                raise QueueFullError(
                    f"This model is busy: {self._batch} answers are being written and "
                    f"{self._waiting} requests are waiting. Please try again in a moment."
                )
            self._taken.append(ticket)
        try:
            yield self._until_turn(ticket, heartbeat_s)
        finally:
            with self._changed:
                self._taken.remove(ticket)
                self._changed.notify_all()

    def count(self) -> tuple[int, int]:
        """Return how many requests go on, and how many wait."""
        count = len(self._taken)
        return min(count, self._batch), max(0, count - self._batch)

    def check_open(self) -> None:
        """Raise EngineError once the places are closed."""
        if self._closed:
            raise EngineError("This model was unloaded while it answered. Please ask again.")

    def close(self) -> None:
        """Let nobody go on who waits, and nobody come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _until_turn(self, ticket: object, heartbeat_s: float) -> Iterator[int]:
        while ahead := self._ahead(ticket):
            yield ahead
            with self._changed:
                self._changed.wait_for(lambda: self._ahead(ticket) != ahead, heartbeat_s)

    def _ahead(self, ticket: object) -> int:
        with self._changed:  # also within `wait_for`: the lock can be taken again by its holder
            self.check_open()
            return max(0, self._taken.index(ticket) + 1 - self._batch)
