"""The way in for films: opened, checked, and read a frame at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from vlm_demo.errors import FilmError
from vlm_demo.media.containers import check_container
from vlm_demo.media.film import FRAME_PIXELS, Film, FilmFrame, SamplePlan, plan_samples
from vlm_demo.media.sampling import examine, sample

MAX_FILM_BYTES = 2_000_000_000
"""Largest film that is opened, in bytes, unless a caller says otherwise."""


class FilmReader(Protocol):
    """Reads films somewhere else than in the process that asks."""

    def examine(self, path: Path) -> Film:
        """Open a film and find out what it holds."""

    def sample(self, film: Film, plan: SamplePlan) -> Generator[FilmFrame, None, None]:
        """Yield the frames of a plan."""


_reader: FilmReader | None = None


def set_film_reader(reader: FilmReader | None) -> None:
    """Have all films of this process read by a reader; None: here.

    A program that opens films of strangers sets one that can be stopped (`media.workers`).
    """
    global _reader
    _reader = reader


def open_film(path: Path, *, max_bytes: int = MAX_FILM_BYTES) -> Film:
    """Open a film: what it is, is found by its content, and what it claims is checked.

    Raises:
        FilmError: it is no film, has no pictures that can be read, is too large, or takes too long.
    """
    check_container(path, max_bytes)
    return _reader.examine(path) if _reader else examine(path)


def sample_frames(
    film: Film,
    *,
    count: int = 0,
    rate: float = 0,
    prefer_scene_changes: bool = True,
    max_pixels: int = FRAME_PIXELS,
) -> Generator[FilmFrame, None, None]:
    """Yield frames in the order of the film, as they are read; none is kept.

    Args:
        film: an open film.
        count: how many, evenly spaced; fewer where the film has fewer.
        rate: how many a second of the film, in place of `count`.
        prefer_scene_changes: take the first frame of a new scene near a wanted time.
        max_pixels: largest frame, width times height; larger ones are scaled down.

    Raises:
        FilmError: the film cannot be read any more.
    """
    plan = plan_samples(
        film,
        count=count,
        rate=rate,
        prefer_scene_changes=prefer_scene_changes,
        max_pixels=max_pixels,
    )
    yield from _sample(film, plan)


def read_frame(film: Film, seconds: float, *, max_pixels: int = FRAME_PIXELS) -> FilmFrame:
    """Return the frame at a time; at the end, the last one.

    Raises:
        FilmError: it cannot be read.
    """
    plan = SamplePlan(max(seconds, 0), 1, 1, max_pixels=max_pixels)
    with closing(_sample(film, plan)) as frames:
        for frame in frames:
            return frame
    raise FilmError("The video no longer has a frame at this time. Add it again.")


def _sample(film: Film, plan: SamplePlan) -> Generator[FilmFrame, None, None]:
    if _reader:
        yield from _reader.sample(film, plan)
    else:
        yield from sample(film.path, plan, film.last_frame_s)
