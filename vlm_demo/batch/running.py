"""Runs a batch: several pictures at once, each kept in the journal as soon as it is answered."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from enum import StrEnum
from threading import Event, Lock, Thread

from PIL.Image import Image

from vlm_demo.backend import Backend
from vlm_demo.batch.job import Job, Result
from vlm_demo.batch.journal import Journal
from vlm_demo.batch.sources import Source
from vlm_demo.batch.timing import Tempo
from vlm_demo.errors import BatchError, ImageError, InputError, QueueFullError, VlmDemoError
from vlm_demo.images import MAX_BYTES, MAX_PIXELS, open_image
from vlm_demo.values import Reply

MOST_FAILURES = 3
"""Times in a row that the model may fail before the batch stops: it is dead then."""

BUSY_S = 0.5
"""Time before a model that too many wait for is asked again."""

log = logging.getLogger(__name__)


class State(StrEnum):
    """What a batch is doing."""

    LOADING = "loading"  # the model
    RUNNING = "running"
    PAUSING = "pausing"  # pictures that were begun are finished
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a batch has come."""

    state: State
    done: int  # pictures with an answer
    failed: int
    total: int
    per_s: float = 0.0  # pictures per second lately; 0: not known
    left_s: float | None = None  # seconds to the end; None: not known
    error: str = ""  # why it stopped

    @property
    def left(self) -> int:
        """How many pictures are still to come."""
        return self.total - self.done - self.failed


def unseen(name: str, image: Image) -> None:
    """Take a picture that was begun, and show it to nobody."""


class Run:
    """One batch. It can be paused and stopped, and started again: it then goes on.

    What is done is known from the journal, so that another run on it goes on just the same.
    """

    def __init__(
        self,
        backend: Backend,
        job: Job,
        source: Source,
        journal: Journal,
        *,
        at_once: int,
        names: Sequence[str] | None = None,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
        seen: Callable[[str, Image], None] = unseen,
    ) -> None:
        """Prepare a run; nothing is loaded yet.

        Args:
            backend: answers.
            job: what is asked.
            source: where the pictures are.
            journal: of this job.
            at_once: pictures that are asked about at the same time.
            names: of the pictures that are wanted; None: all of the source.
            max_bytes: of a picture's file.
            max_pixels: of a picture.
            seen: is told of each picture that is begun, from any thread.

        Raises:
            VlmDemoError: the model cannot be asked this.
        """
        job.check(backend)
        self._backend, self._job, self._source, self._journal = backend, job, source, journal
        self._wanted = source.names if names is None else names
        self._at_once = max(1, min(at_once, len(self._wanted)))
        self._max_bytes, self._max_pixels, self._seen = max_bytes, max_pixels, seen
        self._lock = Lock()  # guards what follows
        self._names: Iterator[str] = iter(())
        self._failures = 0  # of the model in a row
        self._error: Exception | None = None
        self._outcomes = self._settled()  # whether each picture that is settled failed
        self._tempo = Tempo()
        self._loaded = Event()
        self._ending = Event()  # nothing more is begun
        self._stopped = Event()  # what was begun is given up
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Begin, or go on, in threads of its own."""
        for event in (self._loaded, self._ending, self._stopped):
            event.clear()
        self._names, self._failures, self._error = iter(self._wanted), 0, None
        self._outcomes = self._settled()
        # They know whose visit the batch is for: ZeroGPU counts by visitor.
        self._threads = [
            Thread(target=copy_context().run, args=(self._work,), name=f"batch {n}", daemon=True)
            for n in range(self._at_once)
        ]
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Finish the pictures that were begun, and then rest."""
        self._ending.set()

    def stop(self) -> None:
        """Rest at once; the pictures that were begun are asked about again next time."""
        self._stopped.set()
        self._ending.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it rests, or for some seconds; whether it rests.

        Raises:
            VlmDemoError: it stopped before its end; the message says why.
        """
        end = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            return False
        if self._error is not None:
            raise self._error
        return True

    @property
    def standing(self) -> Standing:
        """How far it has come."""
        running = any(thread.is_alive() for thread in self._threads)
        with self._lock:
            failed = sum(self._outcomes.values())
            done = len(self._outcomes) - failed
            total = len(self._wanted)
            error = str(self._error or "")
            state = self._state(running, total - done - failed)
            if not running:
                return Standing(state, done, failed, total, error=error)
            return Standing(
                *(state, done, failed, total, self._tempo.per_s),
                self._tempo.left_s(total - done - failed),
            )

    def _state(self, running: bool, left: int) -> State:
        if running:
            if self._ending.is_set():
                return State.PAUSING
            return State.RUNNING if self._loaded.is_set() else State.LOADING
        if self._error is not None:
            return State.FAILED
        if not left:
            return State.FINISHED
        return State.STOPPED if self._stopped.is_set() else State.PAUSED

    def _settled(self) -> dict[str, bool]:
        """What the journal knows; pictures that are worth another try are not settled."""
        marks = self._journal.marks
        return {
            name: marks[name].failed
            for name in self._wanted
            if name in marks and not marks[name].again
        }

    # In the threads

    def _work(self) -> None:
        try:
            for _ in self._backend.load(self._job.model):
                if self._ending.is_set():
                    return
            with self._lock:
                if not self._loaded.is_set():
                    self._loaded.set()
                    self._tempo.start()
            while not self._ending.is_set():
                with self._lock:
                    name = next(self._names, None)
                if name is None:
                    return
                self._settle(name)
        except Exception as error:  # the border of a thread: raised again by `wait`
            with self._lock:
                self._error = self._error or error
            self.stop()

    def _settle(self, name: str) -> None:
        """See to one picture, unless the journal has it already."""
        digest = ""
        try:
            content = self._source.read(name)
            digest = hashlib.sha256(content).hexdigest()
            if self._journal.settles(name, digest):
                return
            image = open_image(content, max_bytes=self._max_bytes, max_pixels=self._max_pixels)
        except ImageError as error:
            if not self._journal.settles(name, digest):
                self._keep(Result(name, digest, error=str(error)))
            return
        del content  # the pixels are enough
        self._seen(name, image)
        result = self._result(name, digest, image)
        if result is not None:
            self._keep(result)

    def _result(self, name: str, digest: str, image: Image) -> Result | None:
        """Ask about a picture; None: stopped meanwhile."""
        try:
            reply = self._answer(image)
        except InputError as error:
            return Result(name, digest, error=str(error))
        except VlmDemoError as error:
            return self._failure(name, digest, error, str(error))
        except Exception as error:  # a bug that one picture brings out must not end all others
            log.exception("The answer about a picture failed.")
            return self._failure(name, digest, error, "Something went wrong with this picture.")
        with self._lock:
            self._failures = 0
        return None if reply is None else Result.of(name, digest, image.size, reply)

    def _answer(self, image: Image) -> Reply | None:
        request = self._job.request(image)
        while True:
            reply = Reply("", "")
            try:
                with closing(self._backend.answer(self._job.model, request)) as replies:
                    for newest in replies:
                        reply = newest
                        if self._stopped.is_set():
                            return None
                return reply
            except QueueFullError:  # others ask too: it is not the model that fails
                if self._ending.wait(BUSY_S):
                    return None

    def _failure(self, name: str, digest: str, error: Exception, words: str) -> Result | None:
        """Count a failure of the model; the batch stops at the last one in a row."""
        if self._stopped.is_set():
            return None  # it was interrupted
        with self._lock:
            self._failures += 1
            if self._failures == MOST_FAILURES:
                self._error = BatchError(
                    f"{self._job.model} failed {MOST_FAILURES} times in a row, so the batch has "
                    f"stopped. {words} What is done is kept: run the same again to go on."
                )
                self._error.__cause__ = error
                self._ending.set()
        return Result(name, digest, error=words, again=True)

    def _keep(self, result: Result) -> None:
        self._journal.append(result)
        with self._lock:
            self._outcomes[result.name] = bool(result.error)
            self._tempo.count()
