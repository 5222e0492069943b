"""The workers of a page: a few processes, started when they are needed and ended when they hang."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from vlm_demo.errors import DocumentError, ImageError
from vlm_demo.images.frames import answer_question
from vlm_demo.images.opening import Content, is_quick_to_open, open_content
from vlm_demo.images.workers.process import ProcessPool, WorkerEndedError
from vlm_demo.translatable_text import message, text_from_json

LIMIT_S = 20.0
"""Seconds after which a picture is given up. The largest ordinary ones take 2 on one core."""

WAIT_S = 60.0
"""Seconds that a picture waits for a worker."""

WORKERS = 2
"""Number of workers."""

_TOO_SLOW = message(
    "This image takes too long to open. Save it again with another program, or make it smaller."
)
_BUSY = message("Too many large images are being opened. Try again soon.")
_TOO_LARGE = message("This image needs too much memory to open. Make it smaller.")

PROGRAM = "vlm_demo.images.workers.worker"
"""The program of the workers."""


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
        self._processes = ProcessPool(PROGRAM, workers, wait_s=wait_s)

    def prepare(self) -> None:
        """Start a worker, so that the first picture need not wait for it."""
        self._processes.prepare()

    def open(self, content: Content, *, max_pixels: int, frame: int) -> Image.Image:
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

    def ask(self, question: dict[str, Any], content: Content) -> tuple[dict[str, Any], bytes]:
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
        self._processes.close()

    def _ask(self, head: dict[str, Any], content: Content) -> tuple[Any, bytes]:
        if isinstance(content, Path):
            head, content = {**head, "path": str(content)}, b""
        with self._processes.hold(ImageError(_BUSY)) as worker:
            try:
                return worker.ask(head, content, self._limit_s)
            except WorkerEndedError as error:
                raise ImageError(_TOO_SLOW if error.took_too_long else _TOO_LARGE) from error


def _read_refusal(answer: dict[str, Any]) -> ImageError:
    kind = DocumentError if answer["kind"] == DocumentError.__name__ else ImageError
    return kind(text_from_json(answer["refused"]))
