"""Regions as pictures, for models that cannot be told places: drawn in, or cut out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import ImageDraw, ImageFont
from PIL.Image import Image

from vlm_demo.values import Box, Point, Polygon, Region, Size, bounding_box

RED, WHITE = (230, 0, 0), (255, 255, 255)

POINT_SIDE = 0.04
"""Side of the box that stands for a point, as a share of the picture's shorter side."""

MARGIN = 0.1
"""Around a cut-out, as a share of its longer side: what a thing stands on helps to tell it."""

MIN_MARGIN = 16
"""Pixels of the margin around a small cut-out."""


def box_around(region: Region, size: Size) -> Box:
    """Return the box that stands for a region of a picture of `size`.

    That of a point is a small square around it (`POINT_SIDE`), of an outline the smallest one.
    """
    if not isinstance(region, Point):
        return bounding_box(region)
    width, height = size
    (x, y), half = region.to_pixels(size), POINT_SIDE * min(size) / 2
    return Box.normalize(x - half, y - half, x + half, y + half, by=(width, height))


def burnt_in(image: Image, regions: Sequence[Region]) -> Image:
    """Return a copy of the picture with each region drawn in red and numbered, from 1.

    A box is framed, a point has a circle around it, and an outline is drawn.
    """
    marked = image.convert("RGB")  # always a copy
    pen = ImageDraw.Draw(marked)
    line = max(2, round(min(image.size) / 150))
    font = ImageFont.load_default(size=max(12, round(min(image.size) / 25)))
    for region in regions:
        x1, y1, x2, y2 = map(round, box_around(region, image.size).to_pixels(image.size))
        frame = (x1, y1, max(x1, x2 - 1), max(y1, y2 - 1))
        match region:
            case Box():
                pen.rectangle(frame, outline=RED, width=line)
            case Point():
                pen.ellipse(frame, outline=RED, width=line)
            case Polygon():
                corners = region.to_pixels(image.size)
                pen.line((*corners, *corners[:2]), fill=RED, width=line, joint="curve")
    for number, region in enumerate(regions, 1):  # above all lines
        _write_number(pen, number, box_around(region, image.size).to_pixels(image.size), line, font)
    return marked


def _write_number(
    pen: ImageDraw.ImageDraw,
    number: int,
    frame: tuple[float, float, float, float],
    line: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write a number above the upper left corner, or in it where there is no room above."""
    x, y = round(frame[0]), round(frame[1])
    left, top, right, bottom = pen.textbbox((0, 0), str(number), font)
    width, height = right - left + 2 * line, bottom - top + 2 * line
    x = max(0, min(x, pen.im.size[0] - math.ceil(width)))
    y = y - math.ceil(height) if y >= height else y
    pen.rectangle((x, y, x + width - 1, y + height - 1), fill=RED)
    pen.text((x + line - left, y + line - top), str(number), WHITE, font)


def cut_out(image: Image, region: Region) -> tuple[Image, Box]:
    """Return a region and a margin around it as a picture, and which part of the whole that is."""
    x1, y1, x2, y2 = box_around(region, image.size).to_pixels(image.size)
    margin = max(MIN_MARGIN, MARGIN * max(x2 - x1, y2 - y1))
    width, height = image.size
    part = (
        max(0, math.floor(x1 - margin)),
        max(0, math.floor(y1 - margin)),
        min(width, math.ceil(x2 + margin)),
        min(height, math.ceil(y2 + margin)),
    )
    return image.crop(part), Box.normalize(*part, by=image.size)
