"""Lets only so many requests run at a time; visitors take turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from vlm_demo.engines.fair_queue import FairQueue, gave_way_error
from vlm_demo.errors import EngineError, QueueFullError


class RequestQueue:
    """Runs some requests at a time, lets some more wait, and refuses the rest."""

    def __init__(self, *, batch: int, waiting: int) -> None:
        self._batch = batch
        self._waiting = waiting
        self._running: set[object] = set()  # tickets, one a request
        self._queue: FairQueue[object] = FairQueue()  # tickets of those that wait
        self._refused: set[object] = set()  # tickets of those that gave way to others
        self._is_closed = False
        self._change = Condition()  # guards all of these

    @contextmanager
    def enter(self, heartbeat_s: float, visitor: str = "") -> Iterator[Iterator[int]]:
        """Join the queue, and leave it at the end of the block.

        What is yielded iterates over the queue position, the number of requests that must leave
        first, at least once in `heartbeat_s`. It ends when it is this request's turn.

        Args:
            heartbeat_s: seconds.
            visitor: who asks: see `Request.visitor`.

        Raises:
            QueueFullError: too many are waiting; also while one waits, where one of several
                requests of a visitor gives way to another's.
            EngineError: the queue is closed, also while one waits.
        """
        ticket = object()
        with self._change:
            self.check_open()
            if len(self._running) + len(self._queue) >= self._batch + self._waiting:
                self._make_room(visitor)
            self._queue.add(visitor, ticket)
            self._advance()
        try:
            yield self._wait(ticket, heartbeat_s)
        finally:
            with self._change:
                self._queue.remove(ticket)
                self._running.discard(ticket)
                self._refused.discard(ticket)
                self._advance()

    def count(self) -> tuple[int, int]:
        """Return how many requests run, and how many wait."""
        with self._change:
            return len(self._running), len(self._queue)

    def check_open(self) -> None:
        """Raise EngineError once the queue is closed."""
        if self._is_closed:
            raise EngineError("This model was unloaded while it answered. Ask again.")

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
            if ticket in self._refused:
                raise gave_way_error()
            order = list(self._queue)
            return order.index(ticket) + 1 if ticket in order else 0

    def _advance(self) -> None:
        """Let requests run where there is room, and tell all that something has changed."""
        while len(self._queue) and len(self._running) < self._batch:
            self._running.add(self._queue.take())
        self._change.notify_all()

    def _make_room(self, visitor: str) -> None:
        """Refuse the newest request of somebody who has more than this visitor.

        Raises:
            QueueFullError: nobody has.
        """
        dropped = self._queue.make_room(visitor)
        if dropped is None:
            raise QueueFullError(
                "This model is busy: {batch} answers are being written and {waiting} requests "
                "are waiting. Try again in a moment.",
                batch=self._batch,
                waiting=self._waiting,
            )
        self._refused.add(dropped)
