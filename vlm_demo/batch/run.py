"""Runs a batch: several pictures at once, each written to the journal as soon as it is answered."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Event, Lock, Thread

from PIL.Image import Image

from vlm_demo.backend import Backend
from vlm_demo.batch.job import BatchJob
from vlm_demo.batch.journal import BatchJournal
from vlm_demo.batch.result import BatchResult
from vlm_demo.batch.sources import ImageSource
from vlm_demo.batch.throughput import Throughput
from vlm_demo.errors import BatchError, ImageError, InputError, QueueFullError, VlmDemoError
from vlm_demo.images.opening import MAX_PIXELS
from vlm_demo.translatable_text import DisplayText, as_text, message
from vlm_demo.values import Reply

MAX_FAILURES = 3
"""Number of failures of the model in a row at which the batch stops."""

RETRY_S = 0.5
"""Seconds before a model whose queue is full is asked again."""

log = logging.getLogger(__name__)


class BatchState(StrEnum):
    """What a batch is doing."""

    LOADING = "loading"  # the model
    RUNNING = "running"
    PAUSING = "pausing"  # pictures in progress are finished
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch has come."""

    state: BatchState
    done: int  # pictures with an answer
    failed: int
    total: int
    per_s: float = 0.0  # pictures per second lately; 0: not known
    remaining_s: float | None = None  # seconds to the end; None: not known
    error: DisplayText = ""  # why it stopped


def ignore_image(name: str, image: Image) -> None:
    """Do nothing with a picture whose turn has come."""


class BatchRun:
    """The run of one batch. It can be paused or stopped, and started again to continue.

    The journal tells what is done, so another run on the same journal continues as well.
    """

    def __init__(
        self,
        backend: Backend,
        job: BatchJob,
        source: ImageSource,
        journal: BatchJournal,
        *,
        at_once: int,
        names: Sequence[str] | None = None,
        max_pixels: int = MAX_PIXELS,
        on_image: Callable[[str, Image], None] = ignore_image,
    ) -> None:
        """Prepare a run; nothing is loaded yet.

        Args:
            backend: answers.
            job: what is asked.
            source: the pictures.
            journal: the journal of this job.
            at_once: number of pictures that are asked about at the same time.
            names: of the pictures that are wanted; None: all of the source.
            max_pixels: of a picture.
            on_image: is called with each picture when its turn has come, in any thread.

        Raises:
            VlmDemoError: the model cannot be asked this.
        """
        job.check(backend)
        self._backend, self._job, self._source, self._journal = backend, job, source, journal
        self._wanted = source.names if names is None else names
        self._at_once = max(1, min(at_once, len(self._wanted)))
        self._max_pixels, self._on_image = max_pixels, on_image
        self._lock = Lock()  # guards what follows
        self._names: Iterator[str] = iter(())
        self._failures = 0  # of the model in a row
        self._error: Exception | None = None
        self._outcomes = self._read_outcomes()  # by name, whether a settled picture failed
        self._throughput = Throughput()
        self._loaded = Event()
        self._ending = Event()  # no further picture is started
        self._stopped = Event()  # pictures in progress are given up
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Start, or continue, in threads of its own."""
        for event in (self._loaded, self._ending, self._stopped):
            event.clear()
        self._names, self._failures, self._error = iter(self._wanted), 0, None
        self._outcomes = self._read_outcomes()
        # The context tells whose visit the batch is for: ZeroGPU counts by visitor.
        self._threads = [
            Thread(target=copy_context().run, args=(self._work,), name=f"batch {n}", daemon=True)
            for n in range(self._at_once)
        ]
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Finish the pictures in progress, then stop."""
        self._ending.set()

    def stop(self) -> None:
        """Stop at once; the pictures in progress are asked about again next time."""
        self._stopped.set()
        self._ending.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it has stopped, or for some seconds; return whether it has stopped.

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
    def progress(self) -> BatchProgress:
        """How far the run has come."""
        running = any(thread.is_alive() for thread in self._threads)
        with self._lock:
            failed = sum(self._outcomes.values())
            done = len(self._outcomes) - failed
            total = len(self._wanted)
            error = self._describe_error()
            state = self._state(running, total - done - failed)
            if not running:
                return BatchProgress(state, done, failed, total, error=error)
            return BatchProgress(
                *(state, done, failed, total, self._throughput.per_s),
                self._throughput.remaining_s(total - done - failed),
            )

    def _state(self, running: bool, remaining: int) -> BatchState:
        if running:
            if self._ending.is_set():
                return BatchState.PAUSING
            return BatchState.RUNNING if self._loaded.is_set() else BatchState.LOADING
        if self._error is not None:
            return BatchState.FAILED
        if not remaining:
            return BatchState.FINISHED
        return BatchState.STOPPED if self._stopped.is_set() else BatchState.PAUSED

    def _read_outcomes(self) -> dict[str, bool]:
        """Read what is settled by the journal; pictures worth another try are not."""
        entries = self._journal.entries
        return {
            name: entries[name].failed
            for name in self._wanted
            if name in entries and not entries[name].retry
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
                    self._throughput.start()
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

    def _describe_error(self) -> DisplayText:
        """Say why the run stopped; "": it has not failed."""
        error = self._error
        return error.message if isinstance(error, VlmDemoError) else str(error or "")

    def _settle(self, name: str) -> None:
        """Settle one picture, unless the journal has settled it already."""
        digest = ""
        try:
            found = self._source.find(name)
            digest = found.sha256
            if self._journal.is_settled(name, digest):
                return
            image, place = found.open(self._max_pixels), found.place
        except ImageError as error:
            if not self._journal.is_settled(name, digest):
                self._record(BatchResult(name, digest, error=error.message))
            return
        del found  # the pixels are enough
        self._on_image(name, image)
        result = self._ask(name, digest, image)
        if result is not None:
            self._record(replace(result, place=place.facts) if place else result)

    def _ask(self, name: str, digest: str, image: Image) -> BatchResult | None:
        """Ask about a picture; None: the run was stopped meanwhile."""
        try:
            reply = self._answer(image)
        except InputError as error:
            return BatchResult(name, digest, error=error.message)
        except VlmDemoError as error:
            return self._count_failure(name, digest, error, error.message)
        except Exception as error:  # a bug with one picture must not end the batch
            log.exception("The answer about an image failed.")
            return self._count_failure(
                name, digest, error, message("Something went wrong with this image.")
            )
        with self._lock:
            self._failures = 0
        return None if reply is None else BatchResult.from_reply(name, digest, image.size, reply)

    def _answer(self, image: Image) -> Reply | None:
        request = self._job.request_for(image)
        while True:
            reply = Reply("", "")
            try:
                with closing(self._backend.answer(self._job.model, request)) as replies:
                    for newest in replies:
                        reply = newest
                        if self._stopped.is_set():
                            return None
                if self._job.outlines:
                    return self._backend.outliner.outline_reply(reply, (image,))
                return reply
            except QueueFullError:  # others ask too: the model has not failed
                if self._ending.wait(RETRY_S):
                    return None

    def _count_failure(
        self, name: str, digest: str, error: Exception, problem: DisplayText
    ) -> BatchResult | None:
        """Count a failure of the model; after too many in a row the batch stops."""
        if self._stopped.is_set():
            return None  # it was interrupted
        with self._lock:
            self._failures += 1
            if self._failures == MAX_FAILURES:
                self._error = BatchError(
                    "{model} failed {max_failures} times in a row, so the batch has stopped. "
                    "{problem} The results so far are kept: run the batch again to continue.",
                    model=self._job.model,
                    max_failures=MAX_FAILURES,
                    problem=as_text(problem),
                )
                self._error.__cause__ = error
                self._ending.set()
        return BatchResult(name, digest, error=problem, retry=True)

    def _record(self, result: BatchResult) -> None:
        self._journal.append(result)
        with self._lock:
            self._outcomes[result.name] = bool(result.error)
            self._throughput.count()
