"""Polygons as pixels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vlm_demo.values import Box, Polygon, Size

Mask = npt.NDArray[np.bool_]
"""Pixels of a picture, or of a part of it: (height, width)."""

Window = tuple[int, int, int, int]
"""x1, y1, x2, y2 of a part of a picture in whole pixels; x2 and y2 are just outside."""


def draw_mask(region: Polygon | Box, size: Size, window: Window | None = None) -> Mask:
    """Return which pixels have their centre in a region, by the even-odd rule.

    Args:
        region: a polygon or a box.
        size: of the picture.
        window: the part of it that is drawn; None: all of it.
    """
    left, top, right, bottom = window or (0, 0, *size)
    height, width = bottom - top, right - left
    starts, ends = _edges(region, size)
    offset = np.array([left, top])
    (x1, y1), (x2, y2) = (starts - offset).T, (ends - offset).T
    # A row is crossed where its centre lies between the ends; of two edges that meet there, by one.
    first = np.clip(np.ceil(np.minimum(y1, y2) - 0.5), 0, height).astype(int)
    last = np.clip(np.ceil(np.maximum(y1, y2) - 0.5), 0, height).astype(int)
    counts = last - first
    edge = np.repeat(np.arange(len(counts)), counts)
    row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    slope = (x2[edge] - x1[edge]) / (y2[edge] - y1[edge])
    x = x1[edge] + (row + 0.5 - y1[edge]) * slope
    column = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
    crossings = np.bincount(row * (width + 1) + column, minlength=height * (width + 1))
    parity = np.cumsum(crossings.reshape(height, width + 1)[:, :width], axis=1) % 2
    return parity.astype(np.bool_)


def _edges(region: Polygon | Box, size: Size) -> tuple[npt.NDArray[np.float64], ...]:
    """Return where each edge of all rings starts and ends, each (n, 2), in pixels."""
    if isinstance(region, Box):
        x1, y1, x2, y2 = region.to_pixels(size)
        rings = [np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])]
    else:
        rings = [np.array(ring, dtype=float) for ring in region.rings_to_pixels(size)]
    return np.concatenate(rings), np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])


def mask_iou(one: Mask, other: Mask) -> float:
    """Return the intersection over union of two masks of the same size; 0 where both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 0.0


def run_lengths(mask: Mask) -> list[int]:
    """Return COCO's run lengths: pixels column by column, those outside first.

    Source: pycocotools/mask.py, https://github.com/cocodataset/cocoapi ("counts" before they are
    compressed).
    """
    pixels = mask.ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    bounds = [0, *([0] if pixels.size and pixels[0] else []), *changes.tolist(), pixels.size]
    return [end - start for start, end in pairwise(bounds)]
