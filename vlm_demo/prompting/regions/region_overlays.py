"""Regions drawn into the model's copy of an image as numbered marks (set-of-mark prompting)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from PIL import ImageDraw, ImageFont
from PIL.Image import Image

from vlm_demo.prompting.regions.region_references import replace_references
from vlm_demo.prompting.regions.region_wording import ENGLISH, RegionWording, wording_for
from vlm_demo.values import Box, Message, Point, Polygon, Region, Size, bounding_box

RED, WHITE = (230, 0, 0), (255, 255, 255)

POINT_SIDE = 0.04
"""Side of the box that stands for a point, as a share of the image's shorter side."""


def box_around(region: Region, size: Size) -> Box:
    """Return the box that stands for a region of an image of `size`.

    For a point that is a small square around it (`POINT_SIDE`), for a polygon its bounding box.
    """
    if not isinstance(region, Point):
        return bounding_box(region)
    width, height = size
    (x, y), half = region.to_pixels(size), POINT_SIDE * min(size) / 2
    return Box.normalize(x - half, y - half, x + half, y + half, by=(width, height))


def draw_marks(
    turns: Sequence[Message], wording: RegionWording, *, names_all: bool
) -> tuple[list[Message], list[str]]:
    """Draw the regions of all turns into the images that they are on, and name them in the words.

    Numbers go on from turn to turn, and a region that is marked again keeps its number.

    Args:
        turns: the visible conversation; the last turn is the question.
        wording: what marks are called, unless the words of a turn are in another language.
        names_all: whether regions that the question does not refer to are appended to it.

    Returns:
        The turns, and the English names of the question's regions.
    """
    result: list[Message] = []
    marks: dict[int, list[Region]] = {}  # by the index of the turn that has the image
    at, numbers = -1, list[int]()
    for turn in turns:
        at = len(result) if turn.images else at
        drawn = marks.setdefault(at, [])
        drawn += [region for region in dict.fromkeys(turn.regions) if region not in drawn]
        numbers = [drawn.index(region) + 1 for region in turn.regions]
        language = wording_for(turn.text, wording)
        names = list(map(language.name_mark, turn.regions, numbers))
        append = language.append_names if names_all or turn is not turns[-1] else None
        text = replace_references(turn.text, names, append)
        result.append(replace(turn, text=text, regions=()))
    for at, drawn in marks.items():
        if at >= 0 and drawn:
            *others, newest = result[at].images
            result[at] = replace(result[at], images=(*others, draw_regions(newest, drawn)))
    return result, list(map(ENGLISH.name_mark, turns[-1].regions, numbers))


def draw_regions(image: Image, regions: Sequence[Region], *, numbers: bool = True) -> Image:
    """Return a copy of the image with each region drawn in red and, if wanted, numbered from 1.

    A box gets a frame, a point a circle around it, and a polygon its outline.
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
                for ring in region.rings_to_pixels(image.size):
                    pen.line((*ring, *ring[:2]), fill=RED, width=line, joint="curve")
    for number, region in enumerate(regions if numbers else (), 1):  # above all lines
        _draw_number(pen, number, box_around(region, image.size).to_pixels(image.size), line, font)
    return marked


def _draw_number(
    pen: ImageDraw.ImageDraw,
    number: int,
    frame: tuple[float, float, float, float],
    line: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Draw a number above the upper left corner, or inside it where there is no room above."""
    x, y = round(frame[0]), round(frame[1])
    left, top, right, bottom = pen.textbbox((0, 0), str(number), font)
    width, height = right - left + 2 * line, bottom - top + 2 * line
    x = max(0, min(x, pen.im.size[0] - math.ceil(width)))
    y = y - math.ceil(height) if y >= height else y
    pen.rectangle((x, y, x + width - 1, y + height - 1), fill=RED)
    pen.text((x + line - left, y + line - top), str(number), WHITE, font)
