"""The thread that runs a model: a loop of steps, which requests join and leave."""

from __future__ import annotations

import logging
from threading import Condition, Thread
from typing import Protocol

import torch

from vlm_demo.engines.base import Serving
from vlm_demo.engines.fair_queue import FairQueue, gave_way_error
from vlm_demo.engines.local.failures import to_vlm_demo_error
from vlm_demo.engines.local.scheduling.generation_job import GenerationJob, OnJobEnd
from vlm_demo.errors import EngineError, QueueFullError

log = logging.getLogger(__name__)


class Runner(Protocol):
    """A model as the worker sees it."""

    @property
    def active(self) -> list[GenerationJob]:
        """The requests that have begun and not ended."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether another request can begin."""
        ...

    @property
    def cache_bytes(self) -> int:
        """Bytes that its cache takes."""
        ...

    def begin(self, job: GenerationJob) -> bool:
        """Begin to answer; return whether the answer has ended already."""
        ...

    def step(self, on_end: OnJobEnd) -> None:
        """Compute a token for every request that has begun; report those that end."""
        ...

    def cancel(self, jobs: list[GenerationJob]) -> None:
        """Remove requests."""
        ...

    def abort_all(self, error: Exception, on_end: OnJobEnd) -> None:
        """End every request that has begun with an error."""
        ...

    def close(self) -> None:
        """Free the cache."""
        ...


class Worker:
    """Queues requests and has them answered; visitors take turns.

    At most one begins between two steps, so that running answers keep flowing.
    """

    def __init__(self, runner: Runner, serving: Serving, max_active: int) -> None:
        self._runner = runner
        self._threads = serving.threads
        self._max_active = max_active
        self._max_waiting = serving.waiting
        self._waiting: FairQueue[GenerationJob] = FairQueue()
        self._unfinished: set[GenerationJob] = set()
        self._condition = Condition()  # guards the two above, and what follows
        self._closed = False
        self._thread = Thread(target=self._run, name="vlm_demo model", daemon=True)
        self._thread.start()

    def counts(self) -> tuple[int, int]:
        """Return how many requests have begun and how many wait, at the same moment."""
        with self._condition:
            return len(self._unfinished) - len(self._waiting), len(self._waiting)

    def check_open(self) -> None:
        """Refuse work once the model is being unloaded or its thread has ended.

        Raises:
            EngineError: no answer would come.
        """
        if self._closed or not self._thread.is_alive():
            raise EngineError("This model was unloaded. Try again.")

    def submit(self, *jobs: GenerationJob, always: bool = False) -> None:
        """Queue requests.

        Where the queue is full, the newest request of a visitor who has several in it gives way to
        one of a visitor who has fewer.

        Args:
            jobs: of one visitor, to be answered in this order.
            always: accept them even if the queue is full.

        Raises:
            QueueFullError: too many are waiting.
            EngineError: the model has been unloaded.
        """
        with self._condition:
            self.check_open()
            waiting_before = len(self._unfinished) - self._max_active
            if waiting_before >= self._max_waiting and not always:
                self._make_room(jobs[0].visitor)
            for job in jobs:
                self._unfinished.add(job)
                self._waiting.add(job.visitor, job)
            if waiting_before >= 0 and not always:
                self._report_positions()
            self._condition.notify()

    def close(self) -> None:
        """End all requests with an EngineError, and the thread."""
        with self._condition:
            self._closed = True
            for job in self._unfinished:
                job.cancelled.set()
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        if self._threads:
            torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                while self._wait():
                    self._advance()
        except BaseException:  # the border of a thread: readers must not wait for ever
            log.exception("The thread of a model has ended.")
            raise
        finally:
            self._closed = True
            unloaded = EngineError("This model was unloaded while it answered. Ask again.")
            for job in list(self._unfinished):
                self._finish(job, unloaded)
            self._runner.close()
            del self._runner  # and with it the model

    def _wait(self) -> bool:
        """Wait for something to do; return False when the model is being unloaded."""
        with self._condition:
            while not (self._closed or self._waiting or self._runner.active):
                self._condition.wait()
            return not self._closed

    def _advance(self) -> None:
        """Let one request begin, and compute a step of all."""
        self._end_cancelled_and_late()
        job = self._next()
        if job is not None:
            self._begin(job)
        if self._runner.active:
            self._runner.step(self._finish)

    def _next(self) -> GenerationJob | None:
        with self._condition:
            if not len(self._waiting) or not self._runner.has_room:
                return None
            job = self._waiting.take()
            if len(self._unfinished) > self._max_active:
                self._report_positions()
        return job

    def _make_room(self, visitor: str) -> None:
        """Refuse the newest request of somebody who has more than this visitor.

        Raises:
            QueueFullError: nobody has.
        """
        dropped = self._waiting.make_room(visitor)
        if dropped is None:
            answering, waiting = self.counts()
            raise QueueFullError(
                "This model is busy: {answering} answers are being written and {waiting} "
                "requests are waiting; yours would be number {place} in the queue. Try again "
                "in a moment.",
                answering=answering,
                waiting=waiting,
                place=waiting + 1,
            )
        self._finish(dropped, gave_way_error())

    def _report_positions(self) -> None:
        for position, job in enumerate(self._waiting, 1):
            job.report_queue_position(position)

    def _begin(self, job: GenerationJob) -> None:
        if job.answer.is_complete:  # a single choice needs no model
            self._finish(job, None)
            return
        try:
            is_over = self._runner.begin(job)
        except Exception as error:  # raised again where the answer is read
            self._finish(job, to_vlm_demo_error(error))
            return
        if is_over:
            self._finish(job, job.timeout_error() if job.is_late else None)

    def _end_cancelled_and_late(self) -> None:
        """End requests whose reader has gone or whose time is up."""
        with self._condition:
            ending = [job for job in self._unfinished if job.cancelled.is_set() or job.is_late]
            for job in ending:
                self._waiting.remove(job)
        if ending:
            self._runner.cancel(ending)
        for job in ending:
            self._finish(job, None if job.cancelled.is_set() else job.timeout_error())

    def _finish(self, job: GenerationJob, error: Exception | None) -> None:
        with self._condition:
            self._unfinished.discard(job)
        job.finish(error)
