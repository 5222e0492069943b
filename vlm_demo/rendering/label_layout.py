"""Where the labels of regions go, so that they do not cover each other.

The page does the same (ui/components/canvas/geometry/label_layout.js): change both together. A test
compares their constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Extent = tuple[float, float]
"""Width and height in pixels."""

Bounds = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""

Spot = tuple[float, float]
"""x, y in pixels."""

MAX_LABEL_CHARACTERS = 40
"""Largest number of characters of a label; longer ones would cover too much of the picture."""

MAX_LABEL_COVERAGE = 0.2
"""Largest share of the picture that labels in words may cover; further labels are numbers."""


def shorten_label(phrase: str) -> str:
    """Return a phrase on one line, cut to the longest label."""
    words = " ".join(phrase.split())
    return words if len(words) <= MAX_LABEL_CHARACTERS else words[: MAX_LABEL_CHARACTERS - 1] + "…"


def place_labels(
    boxes: Sequence[Bounds], words: Sequence[Extent], numbers: Sequence[Extent], frame: Extent
) -> list[tuple[Bounds, bool]]:
    """Return the bounds of each box's label inside the frame, and whether it is in words.

    Earlier boxes choose first. A number that finds no room covers other labels.

    Args:
        boxes: what is labelled.
        words: size of each label with its words.
        numbers: size of each label with a number alone.
        frame: size of the picture.
    """
    taken: list[Bounds] = []
    placed: list[tuple[Bounds, bool]] = []
    room = MAX_LABEL_COVERAGE * frame[0] * frame[1]
    for box, word, number in zip(boxes, words, numbers, strict=True):
        room -= word[0] * word[1]
        # The first label is never too much.
        spot = _find_free_spot(box, word, taken, frame) if room > 0 or not placed else None
        in_words = spot is not None
        spot = spot or _find_free_spot(box, number, taken, frame)
        placed.append((spot or _corner(box, number, frame), in_words))
        taken += [spot] if spot else []
    return placed


def _find_free_spot(
    box: Bounds, extent: Extent, taken: Sequence[Bounds], frame: Extent
) -> Bounds | None:
    return next(
        (spot for spot in _candidate_spots(box, extent, frame) if _is_free(spot, taken, frame)),
        None,
    )


def _candidate_spots(box: Bounds, extent: Extent, frame: Extent) -> Iterator[Bounds]:
    """Yield spots above and below the box, inside its corners, beside it, and at its middle."""
    (x1, y1, x2, y2), (width, height) = box, extent
    right, bottom = x2 - width, y2 - height
    for x, y in (
        *((x1, y1 - height), (x1, y1), (x1, y2), (right, y1 - height), (right, y1), (x1, bottom)),
        *((right, bottom), (right, y2), (x2, y1), (x1 - width, y1)),
        ((x1 + x2 - width) / 2, (y1 + y2 - height) / 2),
    ):
        left = max(0.0, min(x, frame[0] - width))
        yield left, y, left + width, y + height


def _is_free(spot: Bounds, taken: Sequence[Bounds], frame: Extent) -> bool:
    x1, y1, x2, y2 = spot
    if x1 < 0 or y1 < 0 or x2 > frame[0] or y2 > frame[1]:
        return False
    return not any(
        x1 < other[2] and other[0] < x2 and y1 < other[3] and other[1] < y2 for other in taken
    )


def _corner(box: Bounds, extent: Extent, frame: Extent) -> Bounds:
    """Return the upper left corner of a box, moved into the frame."""
    width, height = min(extent[0], frame[0]), min(extent[1], frame[1])
    x, y = min(box[0], frame[0] - width), min(box[1], frame[1] - height)
    return x, y, x + width, y + height
