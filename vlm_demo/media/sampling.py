"""Finds out about a film, and takes frames from it: in one pass, with one frame in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vlm_demo.errors import FilmError
from vlm_demo.media.capture import FilmCapture
from vlm_demo.media.film import Film, FilmFrame, SamplePlan

PROBES = 8
"""Most frames that are compared to find a new scene near each wanted time."""

LONG_STEP_S = 10.0
"""From this many seconds between two frames on, new scenes are everywhere and not looked for."""

NEW_SCENE = 24.0
"""Mean difference of two frames, of 255 shades of grey, from which they are of two scenes."""

CHECKED_S = 30.0
"""How many seconds behind the end that a file claims are read to find the true one."""


def examine(path: Path) -> Film:
    """Open a film and find out what it holds; what its file claims is checked.

    Raises:
        FilmError: it has no frame that can be read, or too large ones.
    """
    with FilmCapture(path) as capture:
        if not capture.advance():
            raise FilmError("This video has no frames.")
        size, rate, claimed = capture.size, capture.rate, capture.claimed_count
        last = _find_claimed_end(capture, claimed) if claimed > 1 else None
    if last is None:
        last, count = _read_to_end(path)
        rate = (count - 1) / last if last > 0 else rate
        return Film(path, size, rate, count, last)
    expected = (claimed - 1) / rate
    is_honest = abs(last - expected) <= max(1.0, 0.05 * expected)
    return Film(path, size, rate, claimed if is_honest else round(last * rate) + 1, last)


def _find_claimed_end(capture: FilmCapture, claimed: int) -> float | None:
    """Return when the last frame is shown; None: it is not where the file says."""
    end = (claimed - 1) / capture.rate
    if not capture.skip_to(max(end - 1, 0)):
        return None
    while capture.advance():
        if capture.seconds > end + CHECKED_S:
            return None
    return capture.seconds


def _read_to_end(path: Path) -> tuple[float, int]:
    """Return when the last frame is shown, and how many frames there are, by reading them all."""
    with FilmCapture(path) as capture:
        while capture.advance():
            pass
        return capture.seconds, capture.index + 1


def sample(path: Path, plan: SamplePlan, last_frame_s: float) -> Iterator[FilmFrame]:
    """Yield the frames of a plan in order, each frame of the film at most once.

    Raises:
        FilmError: a frame cannot be read.
    """
    with FilmCapture(path) as capture:
        taken = -1.0
        scenes = _Scenes()
        for number in range(plan.count):
            wanted = min(plan.first_s + number * plan.step_s, last_frame_s)
            if plan.prefer_scene_changes:
                frame = _find_scene(capture, plan, wanted, scenes)
            else:
                frame = _take(capture, plan) if capture.move_to(wanted) else None
            if frame is None:
                return
            if frame.seconds > taken:
                taken = frame.seconds
                yield frame


class _Scenes:
    """Tells where a new scene begins."""

    def __init__(self) -> None:
        self._last: Any = None

    def begins(self, thumbnail: Any) -> bool:
        """Whether a frame is of another scene than the one that was asked about before."""
        last, self._last = self._last, thumbnail.astype(np.float32)
        return last is not None and float(np.abs(self._last - last).mean()) > NEW_SCENE


def _find_scene(
    capture: FilmCapture, plan: SamplePlan, wanted: float, scenes: _Scenes
) -> FilmFrame | None:
    """Return the first frame of a scene that begins near a time, or else the frame at that time.

    None: the film has ended.
    """
    best: FilmFrame | None = None
    for time in _probe_times(capture.rate, plan, wanted):
        if not capture.move_to(time):
            break
        is_new = scenes.begins(capture.thumbnail())
        if is_new or best is None or abs(capture.seconds - wanted) < abs(best.seconds - wanted):
            best = _take(capture, plan)
        if is_new:
            break
    return best


def _probe_times(rate: float, plan: SamplePlan, wanted: float) -> Iterator[float]:
    """Yield times around a wanted one, up to where the next one's begin, in order."""
    frames = int(plan.step_s * rate)
    probes = min(PROBES, frames)
    if probes < 2 or plan.step_s > LONG_STEP_S:
        yield wanted
        return
    begin = max(wanted - plan.step_s / 2, 0)
    for number in range(probes):
        yield begin + (number + 0.5) * plan.step_s / probes


def _take(capture: FilmCapture, plan: SamplePlan) -> FilmFrame:
    return FilmFrame(capture.index, capture.seconds, capture.picture(plan.max_pixels))
