"""A film with the things that were found drawn in, as browsers play it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from PIL.Image import Image

from vlm_demo.media.film_writing import browser_codec, write_film
from vlm_demo.media.films import sample_frames
from vlm_demo.media.tracks import Track, TrackedFilm
from vlm_demo.rendering.drawing import draw_mentions
from vlm_demo.values import Box, Mention

RATE = 10.0
"""Most frames a second of a film that is written."""

MAX_FRAMES = 3_000
"""Most frames of a film that is written: of a long one, fewer a second, at the same pace."""

PIXELS = 1280 * 720
"""Largest frame that is written, width times height."""


def write_annotated_film(tracked: TrackedFilm, folder: Path, name: str) -> Path:
    """Write the film with boxes that move from frame to frame; return the file.

    Between two frames that were looked at, a box is on the straight way between its places.

    Raises:
        FilmError: the film cannot be read any more, or films cannot be written here.
        FileError: the file cannot be written.
    """
    codec = browser_codec()
    path = folder / f"{name}.{codec.ending}"
    rate = min(RATE, tracked.film.rate, MAX_FRAMES / tracked.film.seconds)
    write_film(path, _draw_frames(tracked, rate), rate, codec=codec)
    return path


def _draw_frames(tracked: TrackedFilm, rate: float) -> Iterator[Image]:
    frames = sample_frames(tracked.film, rate=rate, prefer_scene_changes=False, max_pixels=PIXELS)
    with closing(frames):
        for frame in frames:
            yield draw_mentions(frame.image, mentions_at(tracked, frame.seconds))


def mentions_at(tracked: TrackedFilm, seconds: float) -> list[Mention]:
    """Return what is where at a time: a mention for each track, without a region where it is not.

    So each track keeps its colour. Where a label has several tracks, their numbers follow it.
    """
    counts = Counter(track.label for track in tracked.tracks)
    return [
        Mention(
            f"{track.label} {track.id}" if counts[track.label] > 1 else track.label,
            (0, 0),
            (box,) if (box := _box_at(track, _times(tracked, track), seconds)) else (),
        )
        for track in tracked.tracks
    ]


def _times(tracked: TrackedFilm, track: Track) -> list[float]:
    return [tracked.frames[place.frame].seconds for place in track.boxes]


def _box_at(track: Track, times: Sequence[float], seconds: float) -> Box | None:
    """Return where a thing is at a time; None: before or after it was there."""
    after = bisect_right(times, seconds)
    if after == 0:
        return None
    before = after - 1
    if after == len(times):
        return track.boxes[before].box if seconds - times[before] < 0.5 / RATE else None
    share = (seconds - times[before]) / (times[after] - times[before])
    return track.boxes[before].box.between(track.boxes[after].box, share)
