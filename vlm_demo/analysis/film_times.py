"""Reads times of a film in an answer, so that they can be jumped to.

Models write them as clocks ("0:12", "1:02:03"), as seconds ("12.5 s", "1分20秒"), in markup of
their own (Qwen3-VL: "<0.2 seconds>") or by the number of a frame, as prompts name it ("Frame 3").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TOLERANCE_S = 1.0
"""Seconds behind the last frame up to which a time is still one of the film."""

_NUMBER = r"\d+(?:\.\d+)?"
_TIME = re.compile(
    r"(?<![\d:.])(?:(?P<h>\d{1,2}):)?(?P<m>\d{1,3}):(?P<s>[0-5]\d(?:\.\d+)?)(?!\.?\d|:\d)"
    r"|(?:frames?|フレーム|第)\s*#?(?P<frame>\d{1,5})(?!\d)(?P<is_frame>\s*帧)?"
    r"|(?<![\d.])(?!(?:1[89]|20)\d0s)"  # decades
    rf"(?:(?P<minutes>\d+)\s*(?:minutes?|min|m|分)\s*(?:and\s+)?)?(?P<seconds>{_NUMBER})"
    r"\s*(?:seconds?|secs?|s|秒)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FilmTime:
    """A time that a text names."""

    span: tuple[int, int]
    """Start and end of its words in the text."""

    seconds: float
    """From the beginning of the film."""


def find_times(text: str, frame_times: Sequence[float]) -> list[FilmTime]:
    """Return the times of a film that a text names, in order; those behind its end are left out.

    Args:
        text: an answer.
        frame_times: when the frames that the model was shown are shown in the film, in seconds;
            "Frame 1" is the first.
    """
    end = max(frame_times, default=0) + TOLERANCE_S
    times = []
    for match in _TIME.finditer(text):
        seconds = _seconds(match, frame_times)
        if seconds is not None and seconds <= end:
            times.append(FilmTime(match.span(), seconds))
    return times


def _seconds(match: re.Match[str], frame_times: Sequence[float]) -> float | None:
    if match["frame"]:
        if match[0].startswith("第") and not match["is_frame"]:
            return None  # the first, second ... of something else
        number = int(match["frame"])
        return frame_times[number - 1] if 1 <= number <= len(frame_times) else None
    if match["seconds"]:
        return int(match["minutes"] or 0) * 60 + float(match["seconds"])
    return int(match["h"] or 0) * 3600 + int(match["m"]) * 60 + float(match["s"])
