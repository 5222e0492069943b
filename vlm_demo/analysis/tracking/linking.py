"""Links what was found in the frames of a film into tracks, one for each thing.

A thing goes on as it moved so far (constant velocity). In each frame, predicted and found boxes of
the same label are paired so that all pairs together fit best (the Hungarian method), as in SORT:
https://arxiv.org/abs/1602.00763. Things that cross keep their tracks, because each is expected
where its own way leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from vlm_demo.media.tracks import Track, TrackBox
from vlm_demo.values import Box

MAX_GAP_S = 3.0
"""Longest time, in seconds, that a thing may not be found and still be the same."""

MAX_GAP_FRAMES = 2
"""Number of frames in a row that a thing may always be missed."""

REACH = 2.0
"""How far from where it is expected a thing may be found, in lengths of its diagonal."""

FIRST_REACH = 5.0
"""The same for a thing that was found once, so that nobody knows how it moves."""

MAX_GROWTH = 3.0
"""How many times larger or smaller, by area, a thing may become from one frame to the next."""

DUPLICATE_IOU = 0.8
"""Overlap from which two boxes of a label in one frame are one thing."""

VELOCITY_BOXES = 3
"""Number of newest boxes from which it is computed how a thing moves."""


@dataclass(frozen=True, slots=True)
class FrameBox:
    """A thing that was found in a frame."""

    label: str
    box: Box
    confidence: float | None = None


@dataclass(slots=True)
class _OpenTrack:
    id: int
    label: str
    boxes: list[TrackBox] = field(default_factory=list)
    times: list[float] = field(default_factory=list)  # seconds of `boxes`

    def predict(self, seconds: float) -> Box:
        """Return where the thing is expected."""
        last = self.boxes[-1].box
        if len(self.boxes) < 2:
            return last
        first = max(-VELOCITY_BOXES, -len(self.boxes))
        share = (seconds - self.times[-1]) / (self.times[-1] - self.times[first])
        before_x, before_y = _centre(self.boxes[first].box)
        x, y = _centre(last)
        dx, dy = (x - before_x) * share, (y - before_y) * share
        return Box(last.x1 + dx, last.y1 + dy, last.x2 + dx, last.y2 + dy)

    @property
    def reach(self) -> float:
        return REACH if len(self.boxes) > 1 else FIRST_REACH


class TrackLinker:
    """Links boxes as the frames come, in order."""

    def __init__(self) -> None:
        """Begin without tracks."""
        self._tracks: list[_OpenTrack] = []

    def add_frame(self, frame: int, seconds: float, found: Sequence[FrameBox]) -> None:
        """Add what was found in a frame; `frame` is its number, and grows by 1."""
        for label in dict.fromkeys(one.label for one in found):
            boxes = _drop_duplicates([one for one in found if one.label == label])
            open_tracks = [
                track
                for track in self._tracks
                if track.label == label and _is_open(track, frame, seconds)
            ]
            taken = self._continue_tracks(open_tracks, boxes, frame, seconds)
            for number, one in enumerate(boxes):
                if number not in taken:
                    track = _OpenTrack(len(self._tracks) + 1, label)
                    self._tracks.append(track)
                    _append(track, one, frame, seconds)

    def tracks(self) -> tuple[Track, ...]:
        """Return the tracks so far, with estimates in their gaps."""
        return tuple(
            Track(track.id, track.label, tuple(_fill_gaps(track.boxes))) for track in self._tracks
        )

    def _continue_tracks(
        self, tracks: Sequence[_OpenTrack], found: Sequence[FrameBox], frame: int, seconds: float
    ) -> set[int]:
        """Give each track the box that goes on with it; return the numbers of these boxes."""
        if not tracks or not found:
            return set()
        costs = np.array(
            [
                [_cost(track.predict(seconds), one.box, track.reach) for one in found]
                for track in tracks
            ]
        )
        # Imported where it is used: it takes the command line half a second.
        from scipy.optimize import (  # type: ignore[import-untyped]  # it has no types
            linear_sum_assignment,
        )

        taken: set[int] = set()
        for row, column in zip(*linear_sum_assignment(costs), strict=True):
            if costs[row, column] < _IMPOSSIBLE:
                _append(tracks[row], found[column], frame, seconds)
                taken.add(int(column))
        return taken


_IMPOSSIBLE = 1e6
"""The cost of a pair that is not the same thing."""


def _is_open(track: _OpenTrack, frame: int, seconds: float) -> bool:
    missed = frame - track.boxes[-1].frame - 1
    return missed <= MAX_GAP_FRAMES or seconds - track.times[-1] <= MAX_GAP_S


def _append(track: _OpenTrack, found: FrameBox, frame: int, seconds: float) -> None:
    track.boxes.append(TrackBox(frame, found.box, found.confidence))
    track.times.append(seconds)


def _cost(expected: Box, box: Box, reach: float) -> float:
    """Return how badly a box fits: little where it overlaps, more with the distance."""
    (ax, ay), (bx, by) = _centre(expected), _centre(box)
    diagonal = max(_diagonal(expected), _diagonal(box), 1e-6)
    distance = float(np.hypot(ax - bx, ay - by)) / diagonal
    growth = max(expected.area, 1e-9) / max(box.area, 1e-9)
    if distance > reach or not 1 / MAX_GROWTH <= growth <= MAX_GROWTH:
        return _IMPOSSIBLE
    return 1 - expected.iou(box) + distance


def _centre(box: Box) -> tuple[float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2


def _diagonal(box: Box) -> float:
    return float(np.hypot(box.x2 - box.x1, box.y2 - box.y1))


def _drop_duplicates(found: Sequence[FrameBox]) -> list[FrameBox]:
    """Return the boxes without those that are nearly an earlier one."""
    kept: list[FrameBox] = []
    for one in found:
        if all(one.box.iou(other.box) < DUPLICATE_IOU for other in kept):
            kept.append(one)
    return kept


def _fill_gaps(boxes: Sequence[TrackBox]) -> list[TrackBox]:
    """Return the boxes with those between them, on a straight way."""
    filled = list(boxes[:1])
    for place in boxes[1:]:
        before = filled[-1]
        gap = place.frame - before.frame
        for step in range(1, gap):
            between = before.box.between(place.box, step / gap)
            filled.append(TrackBox(before.frame + step, between, is_estimated=True))
        filled.append(place)
    return filled
