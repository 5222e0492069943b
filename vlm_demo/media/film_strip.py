"""The frames of a film that stand on a strip, one picture at a time; none is kept."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL.Image import Image

from vlm_demo.errors import DocumentError
from vlm_demo.images.frames import FrameKind, FrameList
from vlm_demo.images.opening import shrink_image
from vlm_demo.media.film import Film, plan_samples
from vlm_demo.media.films import open_film, read_frame

STRIP_FRAMES = 60
"""Number of frames of a film, evenly spaced; fewer where the film has fewer."""


@dataclass(frozen=True, slots=True)
class FilmStrip:
    """A film as a row of pictures with times: what `Document` is for pages."""

    film: Film
    frames: FrameList

    @property
    def path(self) -> Path:
        """The file."""
        return self.film.path

    @property
    def pages(self) -> int:
        """How many frames there are on the strip."""
        return self.frames.count

    @property
    def kind(self) -> FrameKind:
        """What they are: frames of a film."""
        return self.frames.kind

    def page(self, index: int) -> Image:
        """Read a frame of the strip, from 0.

        Raises:
            DocumentError: there is no such frame.
            FilmError: it cannot be read.
        """
        if not 0 <= index < self.pages:
            raise DocumentError("This file has {count} pages.", count=self.pages)
        return read_frame(self.film, self.frames.times[index]).image

    def draw_thumbnails(self, indices: Sequence[int], longest_side: int) -> list[bytes]:
        """Read frames and return each as a small JPEG.

        Raises:
            DocumentError: there is no such frame.
            FilmError: one cannot be read.
        """
        return [_encode(shrink_image(self.page(index), longest_side)) for index in indices]


def open_film_strip(
    path: Path, *, max_bytes: int, count: int = STRIP_FRAMES, rate: float = 0
) -> FilmStrip:
    """Open a film; without more being said, its frames are those that `track` looks at.

    Args:
        path: the film.
        max_bytes: larger files are refused.
        count: number of frames, evenly spaced; fewer where the film has fewer.
        rate: how many a second of the film, in place of `count`; 0: `count`.

    Raises:
        FilmError: it is no film, has no pictures that can be read, is too large, or takes too long.
    """
    film = open_film(path, max_bytes=max_bytes)
    times = strip_times(film, count=count, rate=rate)
    return FilmStrip(film, FrameList(len(times), "film", times))


def strip_times(film: Film, *, count: int = STRIP_FRAMES, rate: float = 0) -> tuple[float, ...]:
    """Return when the frames of a strip are shown, in seconds; see `open_film_strip`."""
    plan = plan_samples(film, count=count, rate=rate, prefer_scene_changes=False)
    return tuple(
        film.frame_time(plan.first_s + number * plan.step_s) for number in range(plan.count)
    )


def _encode(image: Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()
