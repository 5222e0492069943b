"""Pads pictures to squares, for models that were trained on padded ones."""

from __future__ import annotations

from PIL import ImageOps
from PIL.Image import Image, Resampling

CLIP_MEAN = (122, 116, 104)
"""Mean colour of CLIP's training images as red, green, blue (0 to 255)."""

MAX_SIDE = 2048
"""Longest side of a padded image in pixels: far more than the vision towers see, and small enough
for the square of a very long image."""


def pad_to_square(image: Image, color: tuple[int, int, int] = CLIP_MEAN) -> Image:
    """Centre an image on a square of a colour, given as red, green, blue (0 to 255)."""
    image = image.convert("RGB")
    if max(image.size) > MAX_SIDE:
        factor = MAX_SIDE / max(image.size)
        width, height = (max(1, round(side * factor)) for side in image.size)
        image = image.resize((width, height), Resampling.BICUBIC)
    side = max(image.size)
    return ImageOps.pad(image, (side, side), color=color)
