"""The one thread that runs a model: requests join a loop of steps, and leave it."""

from __future__ import annotations

import logging
from collections import deque
from threading import Condition, Thread
from typing import Protocol

import torch

from vlm_demo.engines.base import Serving
from vlm_demo.engines.local.failures import typed
from vlm_demo.engines.local.scheduling.continuous_batching import Ended
from vlm_demo.engines.local.scheduling.jobs import Job
from vlm_demo.errors import EngineError, QueueFullError

log = logging.getLogger(__name__)


class Runner(Protocol):
    """A model as the worker sees it."""

    @property
    def active(self) -> list[Job]:
        """The requests that have begun and not ended."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether another request can begin."""
        ...

    @property
    def kept_bytes(self) -> int:
        """What earlier requests left."""
        ...

    def begin(self, job: Job) -> bool:
        """Begin to answer; return whether the answer has ended already."""
        ...

    def step(self, ended: Ended) -> None:
        """Go on with every request that has begun; tell of those that end."""
        ...

    def stop(self, jobs: list[Job]) -> None:
        """Take requests out."""
        ...

    def give_up(self, error: Exception, ended: Ended) -> None:
        """End every request that has begun."""
        ...

    def close(self) -> None:
        """Free what is kept."""
        ...


class Worker:
    """Gives requests their turns.

    At most one begins between two steps, so that those that are being answered keep flowing.
    """

    def __init__(self, runner: Runner, serving: Serving, most_active: int) -> None:
        self._runner = runner
        self._threads = serving.threads
        self._most_active = most_active
        self._most_waiting = serving.waiting
        self._waiting: deque[Job] = deque()
        self._unfinished: set[Job] = set()
        self._condition = Condition()  # guards the two above, and what follows
        self._closed = False
        self._thread = Thread(target=self._work, name="vlm_demo model", daemon=True)
        self._thread.start()

    def counts(self) -> tuple[int, int]:
        """Return how many requests have begun, and how many wait, at one moment."""
        with self._condition:
            return len(self._unfinished) - len(self._waiting), len(self._waiting)

    def check_open(self) -> None:
        """Refuse work once the model is being unloaded, or its thread has ended.

        Raises:
            EngineError: no answer would come.
        """
        if self._closed or not self._thread.is_alive():
            raise EngineError("This model was unloaded. Please try again.")

    def submit(self, *jobs: Job, always: bool = False) -> None:
        """Line requests up.

        Args:
            jobs: to be answered in this order.
            always: whether they are parts of one request, which is never refused.

        Raises:
            QueueFullError: too many are waiting.
            EngineError: the model has been unloaded.
        """
        with self._condition:
            self.check_open()
            ahead = len(self._unfinished) - self._most_active
            if ahead >= self._most_waiting and not always:
                answering, waiting = self.counts()
                raise QueueFullError(
                    f"This model is busy: {answering} answers are being written and "
                    f"{waiting} requests are waiting; yours would be number "
                    f"{waiting + 1} in the queue. Please try again in a moment."
                )
            for job in jobs:
                self._unfinished.add(job)
                self._waiting.append(job)
                if ahead >= 0 and not always:
                    job.tell(len(self._waiting))
            self._condition.notify()

    def close(self) -> None:
        """End all requests with an EngineError, and the thread."""
        with self._condition:
            self._closed = True
            for job in self._unfinished:
                job.stop.set()
            self._condition.notify()
        self._thread.join()

    def _work(self) -> None:
        if self._threads:
            torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                while self._wait():
                    self._turn()
        except BaseException:  # the border of a thread: its readers must not wait for ever
            log.exception("The thread of a model has ended.")
            raise
        finally:
            self._closed = True
            gone = EngineError("This model was unloaded while it answered. Please ask again.")
            for job in list(self._unfinished):
                self._ended(job, gone)
            self._runner.close()
            del self._runner  # with it the model

    def _wait(self) -> bool:
        """Wait for something to do; return whether there is anything."""
        with self._condition:
            while not (self._closed or self._waiting or self._runner.active):
                self._condition.wait()
            return not self._closed

    def _turn(self) -> None:
        """Let one request begin and all others go a step."""
        self._end_unwanted()
        job = self._next()
        if job is not None:
            self._begin(job)
        if self._runner.active:
            self._runner.step(self._ended)

    def _next(self) -> Job | None:
        with self._condition:
            if not self._waiting or not self._runner.has_room:
                return None
            job = self._waiting.popleft()
            if len(self._unfinished) > self._most_active:
                for position, other in enumerate(self._waiting, 1):
                    other.tell(position)
        return job

    def _begin(self, job: Job) -> None:
        if job.answer.complete:  # a single choice needs no model
            self._ended(job, None)
            return
        try:
            over = self._runner.begin(job)
        except Exception as error:  # raised again, typed, where the answer is read
            self._ended(job, typed(error))
            return
        if over:
            self._ended(job, job.timed_out() if job.expired else None)

    def _end_unwanted(self) -> None:
        """End requests whose reader has gone or whose time is up."""
        with self._condition:
            late = [job for job in self._unfinished if job.stop.is_set() or job.expired]
            for job in late:
                if job in self._waiting:
                    self._waiting.remove(job)
        if late:
            self._runner.stop(late)
        for job in late:
            self._ended(job, None if job.stop.is_set() else job.timed_out())

    def _ended(self, job: Job, error: Exception | None) -> None:
        with self._condition:
            self._unfinished.discard(job)
        job.finish(error)
