"""Regions drawn into a picture as numbered red boxes, for models that cannot be told places."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import ImageDraw, ImageFont
from PIL.Image import Image

from vlm_demo.types import Box

RED, WHITE = (230, 0, 0), (255, 255, 255)


def burnt_in(image: Image, regions: Sequence[Box]) -> Image:
    """Return a copy of the picture with each region framed and numbered, from 1."""
    marked = image.convert("RGB")
    pen = ImageDraw.Draw(marked)
    line = max(2, round(min(image.size) / 150))
    font = ImageFont.load_default(size=max(12, round(min(image.size) / 25)))
    for number, region in enumerate(regions, 1):
        x1, y1, x2, y2 = map(round, region.to_pixels(image.size))
        pen.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=RED, width=line)
        _, _, right, bottom = pen.textbbox((x1 + 2 * line, y1 + line), str(number), font)
        pen.rectangle((x1, y1, right + line, bottom + line), fill=RED)
        pen.text((x1 + 2 * line, y1 + line), str(number), WHITE, font)
    return marked
