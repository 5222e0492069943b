"""Things that were found through a film, as values."""

from __future__ import annotations

from dataclasses import dataclass

from vlm_demo.media.film import Film
from vlm_demo.values import Box


@dataclass(frozen=True, slots=True)
class FrameTime:
    """A frame that was looked at."""

    index: int
    """Which frame of the film it is, from 0."""

    seconds: float
    """When it is shown, in seconds from the beginning."""


@dataclass(frozen=True, slots=True)
class TrackBox:
    """Where a thing is in one frame."""

    frame: int
    """Which of the frames that were looked at, from 0."""

    box: Box
    confidence: float | None = None
    """How sure the model was, 0 to 1; None: not known."""

    is_estimated: bool = False
    """Whether the thing was not found here: the box is between those before and after."""


@dataclass(frozen=True, slots=True)
class Track:
    """One thing through a film."""

    id: int
    """Its number, from 1, in the order of appearance."""

    label: str
    """What was looked for."""

    boxes: tuple[TrackBox, ...]
    """In the order of the frames; at most one for each."""


@dataclass(frozen=True, slots=True)
class TrackedFilm:
    """A film, the frames of it that were looked at, and the things that were found in them."""

    film: Film
    frames: tuple[FrameTime, ...]
    tracks: tuple[Track, ...]

    def boxes_in(self, frame: int) -> tuple[tuple[Track, TrackBox], ...]:
        """Return what was found in one of the frames, by number of the track."""
        return tuple(
            (track, place) for track in self.tracks for place in track.boxes if place.frame == frame
        )
