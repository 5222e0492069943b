"""Two answers that are written at the same time, and shown at the pace of the slower."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass, replace
from threading import Event, Thread

from vlm_demo.arena.battles.pacing import Pace
from vlm_demo.errors import BusyModelError, OutOfMemoryError
from vlm_demo.values import Reply

PACE_S = 0.05
"""Time between two looks at what the sides have written."""

HEARTBEAT_S = 0.25
"""Longest time without a sign of life: a page can stop a generator only when it yields."""

NOTHING = Reply("", "")

GETTING_READY = "Getting the models ready…"
IN_QUEUE = "Waiting for others to finish…"
READING = "The models are looking…"


@dataclass(frozen=True, slots=True)
class Sides:
    """What may be seen of both answers. It holds nothing that tells the models apart."""

    a: Reply
    b: Reply
    done: bool  # both are complete, and the battle can be voted on
    waiting: str = ""  # why there is nothing to see yet


class Side:
    """One answer, which is written in a thread of its own."""

    def __init__(
        self, answered: Callable[[], Generator[Reply, None, None]], is_loaded: Callable[[], bool]
    ) -> None:
        self.error: Exception | None = None
        self.ended = False
        self.newest = NOTHING
        self.ahead = 0  # requests of others that are answered first
        self.is_loaded = is_loaded
        self._answered = answered
        self._attempts = 0
        # Written, but not to be seen yet: with how long each is in characters of the model's own.
        self._hidden: deque[tuple[int, Reply]] = deque()
        self.seen = NOTHING  # the newest reply that was shown
        self._stopped = Event()

    def start(self) -> None:
        """Begin to write, in a thread that knows whose visit it is for: ZeroGPU asks for that."""
        self.ended, self.error = False, None
        self._attempts += 1
        Thread(
            target=copy_context().run, args=(self._write,), name="side of a battle", daemon=True
        ).start()

    def stop(self) -> None:
        """End the answer at its next piece."""
        self._stopped.set()

    @property
    def length(self) -> int:
        """Characters that the model has written, with its markup."""
        return len(self.newest.raw)

    @property
    def is_postponed(self) -> bool:
        """Whether the model found no room beside another one, and may try again after it."""
        no_room = isinstance(self.error, OutOfMemoryError | BusyModelError)
        return self.ended and no_room and not self.length and self._attempts == 1

    @property
    def has_failed(self) -> bool:
        """Whether it ended, for good, without anything that a person could judge."""
        empty = not self.newest.text.strip() and not self.newest.mentions
        return self.ended and not self.is_postponed and (empty or self.error is not None)

    def shown(self, measure: int) -> Reply:
        """Return the newest reply of at most so many characters."""
        while self._hidden and self._hidden[0][0] <= measure:
            self.seen = self._hidden.popleft()[1]
        return self.seen

    def _write(self) -> None:
        try:
            with closing(self._answered()) as replies:
                for reply in replies:
                    self.ahead = reply.queue_position
                    if not reply.queue_position:
                        self._hidden.append((len(reply.raw), _anonymous(reply)))
                        self.newest = reply
                    if self._stopped.is_set():
                        return
        except Exception as error:  # the border of a thread: who reads the sides judges it
            self.error = error
        finally:
            self.ended = True


def race(a: Side, b: Side) -> Generator[Sides, None, bool]:
    """Run both sides; yield what may be seen, at least every `HEARTBEAT_S`.

    Where a model finds no room beside the other one, it answers after it. Both are stopped when
    one fails, and when the iterator is closed.

    Returns:
        bool: whether both have answered, with something to judge, and all of it was yielded.
    """
    pace, yielded, due = Pace(), None, 0.0
    seen = Sides(NOTHING, NOTHING, done=False, waiting=GETTING_READY)
    try:
        a.start()
        b.start()
        while True:
            now = time.monotonic()
            if seen != yielded or now >= due:
                yield seen
                yielded, due = seen, now + HEARTBEAT_S
            over = _is_over(a), _is_over(b)  # before their lengths are read, which may grow
            if a.has_failed or b.has_failed:
                return False
            measure = pace.advance((a.length, b.length), over, now)
            if all(over) and measure >= max(a.length, b.length):
                yield Sides(a.shown(measure), b.shown(measure), done=False)
                return True
            waiting = "" if measure else _waiting(a, b)
            seen = Sides(a.shown(measure), b.shown(measure), done=False, waiting=waiting)
            _restart_postponed(a, b)
            time.sleep(PACE_S)
    finally:
        a.stop()
        b.stop()


def _is_over(side: Side) -> bool:
    return side.ended and not side.is_postponed


def _restart_postponed(a: Side, b: Side) -> None:
    """Let a model that found no room try again as soon as the other one has ended."""
    for side, other in ((a, b), (b, a)):
        if side.is_postponed and other.ended:
            side.start()


def _waiting(a: Side, b: Side) -> str:
    """Say what both wait for, without saying which."""
    if not (a.is_loaded() and b.is_loaded()):
        return GETTING_READY
    return IN_QUEUE if a.ahead or b.ahead else READING


def _anonymous(reply: Reply) -> Reply:
    """Leave out what tells the family, or where the model runs.

    Notes name it, the raw text is in its markup, and not every engine says how sure it was.
    """
    mentions = tuple(replace(mention, confidence=None) for mention in reply.mentions)
    return replace(reply, raw="", note="", marks=(), mentions=mentions)
