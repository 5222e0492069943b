"""Places drawn into a picture: for chat bubbles and for downloads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import hypot

from PIL import ImageDraw, ImageFont
from PIL.Image import Image

from vlm_demo.rendering.label_layout import Extent, place_labels
from vlm_demo.rendering.palette import INK, colour_of, dash_of
from vlm_demo.rendering.set_of_mark import FONT
from vlm_demo.values import Box, Mention, Point, Polygon, Region, Size, bounding_box

LONGEST_LABEL = 40  # characters; the rest would cover the picture

Spot = tuple[float, float]
"""x, y in pixels."""


@dataclass(frozen=True, slots=True)
class _Place:
    index: int  # of its mention
    label: str
    region: Region


def draw(image: Image, mentions: Sequence[Mention]) -> Image:
    """Return a copy of the picture with every region outlined and labelled with its phrase.

    Lines and letters grow with the picture. The regions of one mention share a colour and dashes.
    """
    drawn = image.convert("RGB") if image.mode != "RGB" else image.copy()
    places = [
        _Place(index, _shortened(mention.phrase), region)
        for index, mention in enumerate(mentions)
        for region in mention.regions
    ]
    pen = ImageDraw.Draw(drawn)
    line = max(2, round(min(image.size) / 160))
    for place in places:
        _draw_place(pen, place, drawn.size, line)
    _draw_labels(pen, [place for place in places if place.label], drawn.size)
    return drawn


def _draw_place(pen: ImageDraw.ImageDraw, place: _Place, size: Size, line: int) -> None:
    colour = colour_of(place.index)
    if isinstance(place.region, Point):
        x, y = _inside(place.region.to_pixels(size), size)
        for radius, fill in ((line * 3.5, INK), (line * 2.5, colour)):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill)
        return
    corners = [_inside(corner, size) for corner in _corners(place.region, size)]
    closed = [*corners, corners[0], corners[1]]  # so that the first corner is joined, too
    pen.line(closed, INK, line + 2, joint="curve")
    dashes = [length * line for length in dash_of(place.index)]
    if not dashes:
        pen.line(closed, colour, line, joint="curve")
    for start, end in _dashed(closed[:-1], dashes) if dashes else ():
        pen.line((start, end), colour, line)


def _corners(region: Box | Polygon, size: Size) -> Sequence[Spot]:
    if isinstance(region, Polygon):
        return region.to_pixels(size)
    x1, y1, x2, y2 = region.to_pixels(size)
    return (x1, y1), (x2, y1), (x2, y2), (x1, y2)


def _inside(spot: Spot, size: Size) -> Spot:
    """A line on the border itself would be drawn half outside."""
    return min(spot[0], size[0] - 1), min(spot[1], size[1] - 1)


def _dashed(corners: Sequence[Spot], dashes: Sequence[float]) -> Iterator[tuple[Spot, Spot]]:
    """Yield the dashes along a line. Lengths are in pixels, of dashes and gaps by turns."""
    turn, left = 0, dashes[0]
    for (ax, ay), (bx, by) in pairwise(corners):
        length, at = hypot(bx - ax, by - ay), 0.0
        while at < length:
            step = min(left, length - at)
            if turn % 2 == 0:
                start, end = at / length, (at + step) / length
                yield (
                    (ax + (bx - ax) * start, ay + (by - ay) * start),
                    (ax + (bx - ax) * end, ay + (by - ay) * end),
                )
            at, left = at + step, left - step
            if left <= 0:
                turn, left = turn + 1, dashes[(turn + 1) % len(dashes)]


def _draw_labels(pen: ImageDraw.ImageDraw, places: Sequence[_Place], size: Size) -> None:
    letters = max(12, round(min(size) / 24))
    room = max(3, letters // 4)
    font = _font(letters)
    boxes = [bounding_box(place.region).to_pixels(size) for place in places]

    def extent(words: str) -> Extent:
        return font.getlength(words) + 2 * room, letters * 1.35 + room

    spots = place_labels(
        boxes,
        [extent(place.label) for place in places],
        [extent(str(place.index + 1)) for place in places],
        size,
    )
    for place, ((x1, y1, x2, y2), in_words) in zip(places, spots, strict=True):
        pen.rounded_rectangle((x1, y1, x2 - 1, y2 - 1), room, colour_of(place.index))
        words = place.label if in_words else str(place.index + 1)
        pen.text((x1 + room, (y1 + y2) / 2), words, INK, font, anchor="lm")


@lru_cache(maxsize=16)
def _font(letters: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), letters)


def _shortened(phrase: str) -> str:
    words = " ".join(phrase.split())
    return words if len(words) <= LONGEST_LABEL else words[: LONGEST_LABEL - 1] + "…"
