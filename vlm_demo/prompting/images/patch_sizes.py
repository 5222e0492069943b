"""Sizes of pictures in whole patches, as processors of Qwen's kind make them."""

from __future__ import annotations

import math

from vlm_demo.values import Size

MAX_RATIO = 200
"""Largest ratio of an image's sides; the processors refuse longer images."""


def fit_patches(size: Size, *, patch: int, min_pixels: int, max_pixels: int) -> Size:
    """Return the size (width, height) at which a model sees an image: sides in whole patches.

    Source: `smart_resize` in transformers/models/qwen2_vl/image_processing_qwen2_vl.py (5.23).
    Images longer than `MAX_RATIO` are shortened, where the source raises.

    Args:
        size: of the image in pixels.
        patch: side of a patch in pixels.
        min_pixels: smallest area of a resized image.
        max_pixels: largest area of a resized image.
    """
    width, height = size
    width, height = min(width, MAX_RATIO * height), min(height, MAX_RATIO * width)
    sides = [round(side / patch) * patch for side in (width, height)]
    if math.prod(sides) > max_pixels:
        shrink = math.sqrt(width * height / max_pixels)
        sides = [math.floor(side / shrink / patch) * patch for side in (width, height)]
    elif math.prod(sides) < min_pixels:
        grow = math.sqrt(min_pixels / (width * height))
        sides = [math.ceil(side * grow / patch) * patch for side in (width, height)]
    shorter = max(patch, min(sides))
    width, height = (min(max(side, patch), MAX_RATIO * shorter) for side in sides)
    return width, height
