"""The workers of a page: a few processes, started when they are needed and ended when they hang."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore, Lock, Timer
from typing import Any

from PIL import Image

from vlm_demo.errors import DocumentError, ImageError
from vlm_demo.images.frames import answer_question
from vlm_demo.images.opening import is_quick_to_open, open_content
from vlm_demo.images.workers.messages import read_message, write_message
from vlm_demo.translatable_text import message, text_from_json

LIMIT_S = 20.0
"""Seconds after which a picture is given up. The largest ordinary ones take 2 on one core."""

WAIT_S = 60.0
"""Seconds that a picture waits for a worker."""

WORKERS = 2
"""Number of workers."""

_TOO_SLOW = message(
    "This picture takes too long to open. Please save it again with another program, or make it "
    "smaller."
)
_TOO_LARGE = message("This picture needs too much memory to open. Please make it smaller.")

PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV")
"""Environment variables that a worker gets; keys and passwords may be in the others."""


class ImageWorker:
    """One process that opens pictures."""

    def __init__(self) -> None:
        """Start the process; it is ready when it answers."""
        folder = str(Path(__file__).parents[3])
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, (folder, os.environ.get("PYTHONPATH", "")))
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vlm_demo.images.workers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def ask(self, head: dict[str, Any], content: bytes, limit_s: float) -> tuple[Any, bytes]:
        """Send a message and return the answer.

        Raises:
            ImageError: it took too long, or the process broke down; it has ended then.
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
            raise ImageError(_TOO_SLOW if took_too_long else _TOO_LARGE) from error
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


class WorkerPool:
    """Opens pictures in workers; small ones of plain formats in the process that asks."""

    def __init__(
        self, workers: int = WORKERS, *, limit_s: float = LIMIT_S, wait_s: float = WAIT_S
    ) -> None:
        """Prepare the pool; no process is started before one is needed.

        Args:
            workers: most processes at a time.
            limit_s: seconds after which a picture is given up.
            wait_s: seconds that a picture waits for a process.
        """
        self._limit_s = limit_s
        self._wait_s = wait_s
        self._free = BoundedSemaphore(workers)
        self._idle: list[ImageWorker] = []
        self._lock = Lock()  # guards the idle workers

    def prepare(self) -> None:
        """Start a worker, so that the first picture need not wait for it."""
        worker = ImageWorker()
        with self._lock:
            self._idle.append(worker)

    def open(self, content: bytes, *, max_pixels: int, frame: int) -> Image.Image:
        """Open a picture, as `images.open_content` does.

        Raises:
            ImageError: it cannot be read, is too large, or takes too long.
        """
        if frame == 0 and is_quick_to_open(content):
            return open_content(content, max_pixels=max_pixels, frame=frame)
        asked = {"task": "open", "max_pixels": max_pixels, "frame": frame}
        answer, pixels = self._ask(asked, content)
        if "refused" in answer:
            raise _read_refusal(answer)
        width, height = answer["size"]
        return Image.frombytes("RGB", (width, height), pixels)

    def ask(self, question: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
        """Have `frames.answer_question` answer about the content of a file.

        Raises:
            ImageError: the file cannot be opened, or takes too long.
        """
        if is_quick_to_open(content):
            return answer_question(question, content)
        answer, rest = self._ask(question, content)
        if "refused" in answer:
            raise _read_refusal(answer)
        return answer, rest

    def close(self) -> None:
        """End the workers that have nothing to do."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()

    def _ask(self, head: dict[str, Any], content: bytes) -> tuple[Any, bytes]:
        with self._worker() as worker:
            return worker.ask(head, content, self._limit_s)

    @contextmanager
    def _worker(self) -> Iterator[ImageWorker]:
        """Hold a worker; one that has failed is not used again."""
        if not self._free.acquire(timeout=self._wait_s):
            raise ImageError("Too many large pictures are being opened. Please try again soon.")
        try:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            worker = worker or ImageWorker()
            yield worker
            with self._lock:
                self._idle.append(worker)
        finally:
            self._free.release()


def _read_refusal(answer: dict[str, Any]) -> ImageError:
    kind = DocumentError if answer["is_document"] else ImageError
    return kind(text_from_json(answer["refused"]))
