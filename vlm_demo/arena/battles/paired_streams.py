"""Two answers that are written at the same time, and shown at the pace of the slower one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from vlm_demo.arena.battles.reveal_pace import RevealPace
from vlm_demo.engines.channel import HEARTBEAT_S, PACE_S, Channel
from vlm_demo.errors import BusyModelError, OutOfMemoryError
from vlm_demo.translatable_text import message
from vlm_demo.values import Reply

NOTHING = Reply("", "")

GETTING_READY = message("Getting the models ready…")
IN_QUEUE = message("Waiting for others to finish…")
READING = message("The models are looking…")


@dataclass(frozen=True, slots=True)
class PairedReplies:
    """What may be shown of both answers, without anything that tells the models apart."""

    a: Reply
    b: Reply
    done: bool  # both are complete, and the battle can be voted on
    waiting: str = ""  # why there is nothing to show yet


class AnswerStream:
    """One answer, written in a thread of its own."""

    def __init__(
        self, answer: Callable[[], Generator[Reply, None, None]], is_loaded: Callable[[], bool]
    ) -> None:
        self.error: Exception | None = None
        self.has_ended = False
        self.newest = NOTHING
        self.queue_position = 0  # number of requests that are answered first
        self.is_loaded = is_loaded
        self._answer = answer
        self._attempts = 0
        # Replies that may not be shown yet, with their lengths in characters of the raw output.
        self._hidden: deque[tuple[int, Reply]] = deque()
        self.revealed = NOTHING  # the newest reply that may be shown
        self._channel: Channel[Reply] = Channel()
        self._arrivals = self._channel.iterate(0.0)

    def start(self) -> None:
        """Begin to answer in a new thread."""
        self.has_ended, self.error = False, None
        self._attempts += 1
        self._channel = Channel()
        self._arrivals = self._channel.iterate(0.0)
        self._channel.feed(self._answer, "side of a battle")

    def stop(self) -> None:
        """End the answer at its next chunk."""
        self._channel.close()

    @property
    def length(self) -> int:
        """Length of the raw output in characters."""
        return len(self.newest.raw)

    @property
    def is_postponed(self) -> bool:
        """Whether the model did not fit into memory beside the other one, and will try again."""
        no_room = isinstance(self.error, OutOfMemoryError | BusyModelError)
        return self.has_ended and no_room and not self.length and self._attempts == 1

    @property
    def has_failed(self) -> bool:
        """Whether it ended for good without an answer that a person could judge."""
        is_empty = not self.newest.text.strip() and not self.newest.mentions
        return self.has_ended and not self.is_postponed and (is_empty or self.error is not None)

    def reveal(self, max_length: int) -> Reply:
        """Return the newest reply whose raw output has at most this many characters."""
        while self._hidden and self._hidden[0][0] <= max_length:
            self.revealed = self._hidden.popleft()[1]
        return self.revealed

    def receive(self) -> None:
        """Take in what has arrived since the last call, without waiting for more."""
        if self.has_ended:
            return
        try:
            for reply in self._arrivals:
                if reply is None:
                    return
                self.queue_position = reply.queue_position
                if not reply.is_waiting:
                    self._hidden.append((len(reply.raw), _anonymize(reply)))
                    self.newest = reply
            self.has_ended = True
        except Exception as error:  # the reader of both streams judges it
            self.has_ended, self.error = True, error


def stream_pair(a: AnswerStream, b: AnswerStream) -> Generator[PairedReplies, None, bool]:
    """Run both streams; yield what may be shown, at least every `HEARTBEAT_S`.

    A model that does not fit into memory beside the other one answers after it. Both are stopped
    when one fails, and when the iterator is closed.

    Returns:
        bool: whether both have given an answer to judge, and all of it was yielded.
    """
    pace, yielded, due = RevealPace(), None, 0.0
    current = PairedReplies(NOTHING, NOTHING, done=False, waiting=GETTING_READY)
    try:
        a.start()
        b.start()
        while True:
            now = time.monotonic()
            if current != yielded or now >= due:
                yield current
                yielded, due = current, now + HEARTBEAT_S
            a.receive()
            b.receive()
            ended = _is_over(a), _is_over(b)
            if a.has_failed or b.has_failed:
                return False
            length = pace.advance((a.length, b.length), ended, now)
            if all(ended) and length >= max(a.length, b.length):
                yield PairedReplies(a.reveal(length), b.reveal(length), done=False)
                return True
            waiting = "" if length else _waiting_note(a, b)
            current = PairedReplies(a.reveal(length), b.reveal(length), done=False, waiting=waiting)
            _retry_after_other(a, b)
            time.sleep(PACE_S)
    finally:
        a.stop()
        b.stop()


def _is_over(stream: AnswerStream) -> bool:
    return stream.has_ended and not stream.is_postponed


def _retry_after_other(a: AnswerStream, b: AnswerStream) -> None:
    """Let a model that did not fit into memory try again once the other one has ended."""
    for stream, other in ((a, b), (b, a)):
        if stream.is_postponed and other.has_ended:
            stream.start()


def _waiting_note(a: AnswerStream, b: AnswerStream) -> str:
    """Return what a model waits for, without saying which one."""
    if not (a.is_loaded() and b.is_loaded()):
        return GETTING_READY
    return IN_QUEUE if a.queue_position or b.queue_position else READING


def _anonymize(reply: Reply) -> Reply:
    """Return only what reveals neither the family nor where the model runs.

    Notes name the family, the model's own text has its markup, and only some engines give
    confidences, tokens and times.
    """
    return Reply(
        raw="",
        text=reply.text,
        mentions=tuple(replace(mention, confidence=None) for mention in reply.mentions),
        state=reply.state,
        reasoning=reply.reasoning,
        queue_position=reply.queue_position,
        targets=tuple(replace(target, raw="") for target in reply.targets),
        is_waiting=reply.is_waiting,
        stop=reply.stop,
    )
