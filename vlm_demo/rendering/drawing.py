"""Draws regions into a picture with their phrases: for chat bubbles and for downloads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

from PIL import ImageDraw
from PIL.Image import Image

from vlm_demo.rendering.fonts import load_font
from vlm_demo.rendering.label_layout import Extent, Spot, place_labels, shorten_label
from vlm_demo.rendering.palette import INK, colour_of, dash_of
from vlm_demo.values import Box, Mention, Point, Polygon, Region, Size, bounding_box


@dataclass(frozen=True, slots=True)
class _LabelledRegion:
    index: int  # of its mention
    label: str
    region: Region


def draw_mentions(image: Image, mentions: Sequence[Mention]) -> Image:
    """Return a copy of the picture with every region outlined and labelled with its phrase.

    Lines and letters grow with the picture. The regions of one mention share a colour and dashes.
    """
    drawn = image.convert("RGB") if image.mode != "RGB" else image.copy()
    regions = [
        _LabelledRegion(index, shorten_label(mention.phrase), region)
        for index, mention in enumerate(mentions)
        for region in mention.regions
    ]
    pen = ImageDraw.Draw(drawn)
    line = max(2, round(min(image.size) / 160))
    for labelled in regions:
        _outline(pen, labelled, drawn.size, line)
    _draw_labels(pen, [labelled for labelled in regions if labelled.label], drawn.size)
    return drawn


def _outline(pen: ImageDraw.ImageDraw, labelled: _LabelledRegion, size: Size, line: int) -> None:
    colour = colour_of(labelled.index)
    if isinstance(labelled.region, Point):
        x, y = _keep_inside(labelled.region.to_pixels(size), size)
        for radius, fill in ((line * 3.5, INK), (line * 2.5, colour)):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill)
        return
    dashes = [length * line for length in dash_of(labelled.index)]
    for ring in _rings(labelled.region, size):
        corners = [_keep_inside(corner, size) for corner in ring]
        closed = [*corners, corners[0], corners[1]]  # so that the first corner is joined too
        pen.line(closed, INK, line + 2, joint="curve")
        if not dashes:
            pen.line(closed, colour, line, joint="curve")
        for start, end in _split_into_dashes(closed[:-1], dashes) if dashes else ():
            pen.line((start, end), colour, line)


def _rings(region: Box | Polygon, size: Size) -> Sequence[Sequence[Spot]]:
    if isinstance(region, Polygon):
        return region.rings_to_pixels(size)
    x1, y1, x2, y2 = region.to_pixels(size)
    return (((x1, y1), (x2, y1), (x2, y2), (x1, y2)),)


def _keep_inside(spot: Spot, size: Size) -> Spot:
    """Keep a spot off the border, where half of a line would be lost."""
    return min(spot[0], size[0] - 1), min(spot[1], size[1] - 1)


def _split_into_dashes(
    corners: Sequence[Spot], dashes: Sequence[float]
) -> Iterator[tuple[Spot, Spot]]:
    """Yield the dashes along a line. Lengths are in pixels, of dashes and gaps in turn."""
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


def _draw_labels(pen: ImageDraw.ImageDraw, regions: Sequence[_LabelledRegion], size: Size) -> None:
    letters = max(12, round(min(size) / 24))
    room = max(3, letters // 4)
    font = load_font(letters)
    boxes = [bounding_box(labelled.region).to_pixels(size) for labelled in regions]

    def extent(words: str) -> Extent:
        return font.getlength(words) + 2 * room, letters * 1.35 + room

    spots = place_labels(
        boxes,
        [extent(labelled.label) for labelled in regions],
        [extent(str(labelled.index + 1)) for labelled in regions],
        size,
    )
    for labelled, ((x1, y1, x2, y2), in_words) in zip(regions, spots, strict=True):
        pen.rounded_rectangle((x1, y1, x2 - 1, y2 - 1), room, colour_of(labelled.index))
        words = labelled.label if in_words else str(labelled.index + 1)
        pen.text((x1 + room, (y1 + y2) / 2), words, INK, font, anchor="lm")
