"""Reads films in processes of their own, which end when one takes too long or breaks down.

A decoder of films cannot be stopped in the middle of a frame, and a damaged film may end it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from vlm_demo.errors import FilmError
from vlm_demo.images.workers.process import ProcessPool, WorkerEndedError, WorkerProcess
from vlm_demo.media.film import Film, FilmFrame, SamplePlan
from vlm_demo.translatable_text import message, text_from_json

LIMIT_S = 60.0
"""Seconds after which a film is given up that has not been opened, or has given no next frame."""

WAIT_S = 20.0
"""Seconds that somebody waits until a film can be read."""

WORKERS = 6
"""Most films that are read at a time. A process is held while one film is read."""

PROGRAM = "vlm_demo.media.worker"
"""The program of the workers."""

_BUSY = message("Too many videos are being read. Try again soon.")
_TOO_SLOW = message(
    "This video takes too long to read. Save it again with another program, or cut it."
)
_TOO_LARGE = message(
    "This video cannot be read: it is damaged, or needs too much memory. Save it again with "
    "another program, or smaller."
)


class FilmWorkers:
    """Reads films in workers."""

    def __init__(
        self, workers: int = WORKERS, *, limit_s: float = LIMIT_S, wait_s: float = WAIT_S
    ) -> None:
        """Prepare the pool; no process is started before a film is read.

        Args:
            workers: most processes at a time.
            limit_s: seconds after which a film is given up.
            wait_s: seconds that a film waits for a process.
        """
        self._limit_s = limit_s
        self._processes = ProcessPool(PROGRAM, workers, wait_s=wait_s)

    def examine(self, path: Path) -> Film:
        """Open a film, as `sampling.examine` does.

        Raises:
            FilmError: it cannot be read, or takes too long.
        """
        with self._processes.hold(FilmError(_BUSY)) as worker:
            answer, _ = self._ask(worker, {"task": "examine", "path": str(path)})
            return _read_film(path, _accept(answer))

    def sample(self, film: Film, plan: SamplePlan) -> Generator[FilmFrame, None, None]:
        """Yield the frames of a plan, as `sampling.sample` does; a worker is held meanwhile.

        Raises:
            FilmError: the film cannot be read, or takes too long.
        """
        asked = {
            "task": "sample",
            "path": str(film.path),
            "plan": asdict(plan),
            "last_frame_s": film.last_frame_s,
        }
        with self._processes.hold(FilmError(_BUSY)) as worker:
            answer, pixels = self._ask(worker, asked)
            while "index" in _accept(answer):
                image = Image.frombytes("RGB", tuple(answer["size"]), pixels)
                yield FilmFrame(answer["index"], answer["seconds"], image)
                answer, pixels = self._ask(worker, {"task": "next"})

    def close(self) -> None:
        """End the workers that have nothing to do."""
        self._processes.close()

    def _ask(self, worker: WorkerProcess, head: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        try:
            return worker.ask(head, b"", self._limit_s)
        except WorkerEndedError as error:
            raise FilmError(_TOO_SLOW if error.took_too_long else _TOO_LARGE) from error


def _accept(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of a worker.

    Raises:
        FilmError: the worker refuses the film.
    """
    if "refused" in answer:
        raise FilmError(text_from_json(answer["refused"]))
    return answer


def _read_film(path: Path, data: dict[str, Any]) -> Film:
    width, height = data["size"]
    return Film(path, (width, height), data["rate"], data["frame_count"], data["last_frame_s"])
