"""A film and its frames, as values; nothing here needs OpenCV."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from PIL.Image import Image

from vlm_demo.values import Size

MAX_FRAMES = 5_000
"""Most frames that are sampled from one film."""

FRAME_PIXELS = 1920 * 1080
"""Largest frame, width times height, that is given out; larger ones are scaled while read."""

TAKEN_BEFORE = 0.9
"""The frame for a time is the first that begins at most so many frames earlier: a frame is shown
until the next one, and times are rounded."""


@dataclass(frozen=True, slots=True)
class Film:
    """A file whose pictures can be read, with what was found out about it."""

    path: Path
    size: Size
    """Width and height in pixels, as the film is seen upright."""

    rate: float
    """Frames per second, on average."""

    frame_count: int
    """About how many frames there are: files may lie, and this was looked at, not counted."""

    last_frame_s: float
    """When the last frame is shown, in seconds from the beginning."""

    @property
    def seconds(self) -> float:
        """How long the film is."""
        return self.last_frame_s + 1 / self.rate

    def frame_time(self, seconds: float) -> float:
        """Return when the frame that is taken for a time is shown, in seconds.

        Where frames are not all shown equally long, it is about that.
        """
        number = math.ceil(seconds * self.rate - TAKEN_BEFORE)
        return min(max(number, 0) / self.rate, self.last_frame_s)


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """A picture of a film."""

    index: int
    """Which frame of the film it is, from 0; about that where parts of the film were skipped."""

    seconds: float
    """When it is shown, in seconds from the beginning, as the film itself says."""

    image: Image
    """Upright RGB, of at most `FRAME_PIXELS`."""


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """Which frames of a film are wanted: one for each of a row of times."""

    first_s: float
    """The first time, in seconds."""

    step_s: float
    """Seconds between two times."""

    count: int
    """How many times there are."""

    prefer_scene_changes: bool = False
    """Whether a frame that begins a new scene stands for the time next to it."""

    max_pixels: int = FRAME_PIXELS
    """Largest frame, width times height."""


def plan_samples(
    film: Film,
    *,
    count: int = 0,
    rate: float = 0,
    prefer_scene_changes: bool = True,
    max_pixels: int = FRAME_PIXELS,
) -> SamplePlan:
    """Return which frames to take: a number of them, evenly spaced, or some each second.

    With a rate, the first is that at 0 seconds; with a count, each stands in the middle of its part
    of the film. There are never more than `MAX_FRAMES`.
    """
    if rate > 0:
        step = max(1 / rate, film.seconds / MAX_FRAMES)
        count = int(film.last_frame_s / step + 1e-6) + 1
        return SamplePlan(0, step, count, prefer_scene_changes, max_pixels)
    count = max(1, min(count, film.frame_count, MAX_FRAMES))
    step = film.seconds / count
    return SamplePlan(step / 2, step, count, prefer_scene_changes, max_pixels)
