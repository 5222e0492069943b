"""The program of a worker that reads films: one at a time, a frame for each message."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlm_demo.images.workers.serving import serve_messages
from vlm_demo.media.film import FilmFrame, SamplePlan
from vlm_demo.media.sampling import examine, sample


class FilmWorker:
    """Answers about films; it keeps the one that is read."""

    def __init__(self) -> None:
        """Begin without a film."""
        self._frames: Iterator[FilmFrame] = iter(())

    def answer(self, asked: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
        """Examine a film, begin to read one, or give its next frame; `{}`: there is none.

        Raises:
            FilmError: the film cannot be read.
        """
        if asked["task"] == "examine":
            film = examine(Path(asked["path"]))
            facts = {"size": film.size, "rate": film.rate, "frame_count": film.frame_count}
            return {**facts, "last_frame_s": film.last_frame_s}, b""
        if asked["task"] == "sample":
            plan = SamplePlan(**asked["plan"])
            self._frames = sample(Path(asked["path"]), plan, asked["last_frame_s"])
        frame = next(self._frames, None)
        if frame is None:
            return {}, b""
        place = {"index": frame.index, "seconds": frame.seconds, "size": frame.image.size}
        return place, frame.image.tobytes()


if __name__ == "__main__":
    serve_messages(FilmWorker().answer)
    sys.exit(0)
