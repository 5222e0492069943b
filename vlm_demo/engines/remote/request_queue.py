"""Lets only so many requests run at a time, in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from vlm_demo.errors import EngineError, QueueFullError


class RequestQueue:
    """Runs some requests at a time, lets some more wait, and refuses the rest."""

    def __init__(self, *, batch: int, waiting: int) -> None:
        self._batch = batch
        self._waiting = waiting
        self._tickets: list[object] = []  # one a request, the oldest first
        self._is_closed = False
        self._change = Condition()  # guards the two above

    @contextmanager
    def enter(self, heartbeat_s: float) -> Iterator[Iterator[int]]:
        """Join the queue, and leave it at the end of the block.

        What is yielded iterates over the queue position, the number of requests that must leave
        first, at least once in `heartbeat_s`. It ends when it is this request's turn.

        Raises:
            QueueFullError: too many are waiting.
            EngineError: the queue is closed, also while one waits.
        """
        ticket = object()
        with self._change:
            self.check_open()
            if len(self._tickets) >= self._batch + self._waiting:
                raise QueueFullError(
                    f"This model is busy: {self._batch} answers are being written and "
                    f"{self._waiting} requests are waiting. Please try again in a moment."
                )
            self._tickets.append(ticket)
        try:
            yield self._wait(ticket, heartbeat_s)
        finally:
            with self._change:
                self._tickets.remove(ticket)
                self._change.notify_all()

    def count(self) -> tuple[int, int]:
        """Return how many requests run, and how many wait."""
        count = len(self._tickets)
        return min(count, self._batch), max(0, count - self._batch)

    def check_open(self) -> None:
        """Raise EngineError once the queue is closed."""
        if self._is_closed:
            raise EngineError("This model was unloaded while it answered. Please ask again.")

    def close(self) -> None:
        """End the waiting of all requests with an EngineError, and refuse new ones."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()

    def _wait(self, ticket: object, heartbeat_s: float) -> Iterator[int]:
        while position := self._position(ticket):
            yield position
            with self._change:
                self._change.wait_for(lambda: self._position(ticket) != position, heartbeat_s)

    def _position(self, ticket: object) -> int:
        with self._change:  # also within `wait_for`: its holder may take the lock again
            self.check_open()
            return max(0, self._tickets.index(ticket) + 1 - self._batch)
