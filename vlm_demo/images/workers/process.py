"""Processes that work for a page, with a limit of time for each thing that one is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore, Lock, Timer
from typing import Any

from vlm_demo.errors import InputError
from vlm_demo.images.workers.messages import read_message, write_message

PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV")
"""Environment variables that a worker gets; keys and passwords may be in the others."""


class WorkerEndedError(Exception):
    """A worker took too long, or broke down; its process has ended."""

    def __init__(self, *, took_too_long: bool) -> None:
        super().__init__("took too long" if took_too_long else "broke down")
        self.took_too_long = took_too_long


class WorkerProcess:
    """A process that answers messages, one after the other (`serving.serve_messages`)."""

    def __init__(self, program: str) -> None:
        """Start the process; it is ready when it answers. `program` is the name of its module."""
        folder = str(Path(__file__).parents[3])
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, (folder, os.environ.get("PYTHONPATH", "")))
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def ask(self, head: dict[str, Any], content: bytes, limit_s: float) -> tuple[Any, bytes]:
        """Send a message and return the answer.

        Raises:
            WorkerEndedError: it took too long, or the process broke down; it has ended then.
        """
        assert self._process.stdin and self._process.stdout
        timer = Timer(limit_s, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            write_message(self._process.stdin, head, content)
            return read_message(self._process.stdout)
        except (OSError, EOFError, ValueError) as error:
            took_too_long = not timer.is_alive()
            self.close()
            raise WorkerEndedError(took_too_long=took_too_long) from error
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:  # it had not been given everything
                    continue


class ProcessPool:
    """A few processes of one program, started when they are needed and used again."""

    def __init__(self, program: str, size: int, *, wait_s: float) -> None:
        """Prepare the pool; no process is started before one is needed.

        Args:
            program: name of the module that a process runs.
            size: most processes at a time.
            wait_s: seconds that somebody waits for a process.
        """
        self._program = program
        self._wait_s = wait_s
        self._free = BoundedSemaphore(size)
        self._idle: list[WorkerProcess] = []
        self._lock = Lock()  # guards the idle processes

    def prepare(self) -> None:
        """Start a process, so that the first to need one does not wait for it."""
        worker = WorkerProcess(self._program)
        with self._lock:
            self._idle.append(worker)

    @contextmanager
    def hold(self, busy: InputError) -> Iterator[WorkerProcess]:
        """Hold a process; one that has failed, or whose work was left early, is not used again.

        Raises:
            InputError: all are in use for too long: `busy`.
        """
        if not self._free.acquire(timeout=self._wait_s):
            raise busy
        worker: WorkerProcess | None = None
        try:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            worker = worker or WorkerProcess(self._program)
            yield worker
            with self._lock:
                self._idle.append(worker)
                worker = None
        finally:
            if worker:
                worker.close()
            self._free.release()

    def close(self) -> None:
        """End the processes that have nothing to do."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()
