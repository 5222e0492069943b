"""What lies in regions, with everything else transparent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from vlm_demo.masks import draw_mask
from vlm_demo.masks.rasters import Mask
from vlm_demo.values import Mention, Point


def cut_out(image: Image.Image, mentions: Sequence[Mention]) -> Image.Image:
    """Return a picture of which only boxes and polygons are left; a point has no area.

    The picture keeps its size, and its pixels their colours.
    """
    kept = np.zeros((image.height, image.width), dtype=bool)
    for mention in mentions:
        for region in mention.regions:
            if not isinstance(region, Point):
                kept |= draw_mask(region, image.size)
    return keep_opaque(image, kept)


def keep_opaque(image: Image.Image, kept: Mask) -> Image.Image:
    """Return a picture of which only the pixels of a mask (height, width) are opaque.

    What was transparent before stays so. The colours of transparent pixels are removed, so that the
    file tells nothing of them.
    """
    pixels = np.asarray(image.convert("RGBA")).copy()
    pixels[~kept] = 0
    return Image.fromarray(pixels)
