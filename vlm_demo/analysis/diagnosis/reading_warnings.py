"""Warnings about a reading: numbers that do not fit the coordinate space, or were not read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vlm_demo.analysis.diagnosis.coordinates import Numbers, numbers_in_space
from vlm_demo.markup.coordinate_spaces import (
    N100,
    N1000,
    PIXELS,
    SEEN_PIXELS,
    SPACES,
    UNIT,
    CoordinateSpace,
    with_y_first,
)
from vlm_demo.markup.json_markup import names_boxes_in_space
from vlm_demo.prompting.reasoning import blank_out_reasoning
from vlm_demo.translatable_text import DisplayText, TranslatableText, message
from vlm_demo.values import Frame, ParsedPlace, Reply, ReplyState

TOLERANCE = 0.02
"""Fraction of the picture by which rounding alone may put a region beyond its edge."""

CORNER = 0.34
"""Fraction of the picture's sides that is its upper left corner, for several regions."""

CORNER_OF_ONE = 0.12
"""Fraction of the picture's sides that is its upper left corner, for a single region."""

MAX_QUOTED = 3
"""Largest number of unread groups of numbers that are quoted."""

_LIKELY = (UNIT, N100, N1000, PIXELS, SEEN_PIXELS)
"""Spaces that numbers are commonly mistaken for, the smallest first."""

# The lengths are bounded, so that ten thousand digits in a row cost no more than other text.
_NUMBER = r"(?<![\w.])-?[0-9]{1,15}+(?:\.[0-9]{1,15}+)?+"
_FOUR_NUMBERS = re.compile(rf"{_NUMBER}(?:[\s,;()\[\]]{{1,8}}+{_NUMBER}){{3}}")


@dataclass(frozen=True, slots=True)
class ReadingWarning:
    """Something that speaks against the reading; `better_spaces` would fit better, by name."""

    text: DisplayText
    better_spaces: tuple[str, ...] = ()


def find_contradictions(
    places: Sequence[ParsedPlace], space: CoordinateSpace, frame: Frame
) -> Iterator[ReadingWarning]:
    """Yield at most one warning: what is wrong with the numbers if they are in this space."""
    numbers = numbers_in_space(places, space, frame)
    if not numbers:
        return
    largest = max(value for own in numbers for value in own)
    extent = space.extent(frame)
    better = _find_better_spaces(numbers, space, frame)
    if not _is_inside(space, numbers, frame):
        swapped = _swap_axes(space)
        # In a padded square the order is a poor guess: most numbers fit both ways.
        if not space.padded and _is_inside(swapped, numbers, frame):
            words = TranslatableText(
                "Read this way, some coordinates lie outside the image; "
                "with {axis} first, none do.",
                {"axis": "x" if space.y_first else "y"},
            )
            yield ReadingWarning(words, (swapped.name,) if swapped.name in SPACES else ())
        elif largest > max(extent) * (1 + TOLERANCE):
            words = TranslatableText(
                "The numbers go up to {largest}, but this space ends at {end}.",
                {"largest": f"{largest:,g}", "end": f"{max(extent):,g}"},
            )
            yield ReadingWarning(words, better)
        else:
            beyond = message("Some coordinates lie outside the image.")
            if space.padded:
                beyond = message("Some coordinates lie in the padding, outside the image.")
            yield ReadingWarning(beyond, better)
    elif min(extent) >= 10 and 0 < largest <= 1:
        words = TranslatableText(
            "No number is above 1, although this space goes to {end}.",
            {"end": f"{max(extent):,g}"},
        )
        yield ReadingWarning(words, better)
    elif _is_squeezed(space, numbers, frame) and better:
        squeezed = message("All boxes are squeezed into the upper left corner.")
        if len(numbers) == 1:
            squeezed = message("The box is squeezed into the upper left corner.")
        yield ReadingWarning(squeezed, better)


def find_unread_numbers(reply: Reply) -> Iterator[ReadingWarning]:
    """Point at numbers that look like a region and were not read as one."""
    if names_boxes_in_space(reply.raw):
        yield ReadingWarning(
            message("These are 3D boxes (bbox_3d), which cannot be drawn on the image.")
        )
        return
    if reply.state in (ReplyState.FOUND, ReplyState.SPACE_UNKNOWN):
        return
    read = [place.span for place in reply.parsed_places]
    found = [
        match[0]
        for match in _FOUR_NUMBERS.finditer(blank_out_reasoning(reply.raw))
        if not any(start < match.end() and match.start() < end for start, end in read)
    ]
    if found:
        some = ", ".join(f"“{' '.join(numbers.split())}”" for numbers in found[:MAX_QUOTED])
        more = ", …" if len(found) > MAX_QUOTED else ""
        yield ReadingWarning(
            TranslatableText(
                "These numbers were not read as coordinates: {numbers}.", {"numbers": some + more}
            )
        )


def is_plausible(space: CoordinateSpace, numbers: Sequence[Numbers], frame: Frame) -> bool:
    """Whether the regions lie in the picture, and not all in one corner."""
    return _is_inside(space, numbers, frame) and not _is_squeezed(space, numbers, frame)


def _find_better_spaces(
    numbers: Sequence[Numbers], space: CoordinateSpace, frame: Frame
) -> tuple[str, ...]:
    """Return the names of the one or two spaces that the numbers would fit best."""
    others = [with_y_first(other) if space.y_first else other for other in _LIKELY]
    if frame.seen == frame.original:
        others.pop()  # the same as pixels of the picture
    fitting = (o.name for o in others if o.name != space.name and is_plausible(o, numbers, frame))
    return tuple(fitting)[:2]


def _is_inside(space: CoordinateSpace, numbers: Sequence[Numbers], frame: Frame) -> bool:
    return all(
        -TOLERANCE <= value <= 1 + TOLERANCE
        for own in numbers
        for value in space.to_fractions(own, frame)
    )


def _is_squeezed(space: CoordinateSpace, numbers: Sequence[Numbers], frame: Frame) -> bool:
    corner = CORNER_OF_ONE if len(numbers) == 1 else CORNER
    return all(value <= corner for own in numbers for value in space.to_fractions(own, frame))


def _swap_axes(space: CoordinateSpace) -> CoordinateSpace:
    """Return the same space with the other order of x and y."""
    if space.y_first:
        return replace(space, name=space.name.replace("yxyx", "xyxy"), y_first=False)
    return with_y_first(space)
