"""Pixels as polygons: the outlines run along the edges of pixels and are then simplified."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from vlm_demo.masks.rasters import Mask
from vlm_demo.masks.simplification import simplify_ring
from vlm_demo.values import Point, Polygon

TOLERANCE_PX = 0.75
"""Pixels of the mask that a simplified outline may be off: stairs become slopes, and no more."""

LEAST_PART = 0.005
"""Area of the smallest part or hole that is kept, as a share of the largest part: models leave
specks."""

MAX_RINGS = 101
"""Largest number of rings of a polygon; the largest ones are kept."""

MAX_RING_CORNERS = 2_000
"""Largest number of corners of a ring; one that would have more is simplified further."""

_RIGHT, _DOWN, _LEFT, _UP = range(4)

Ring = npt.NDArray[np.float64]
"""The corners of a ring, (n, 2)."""


def trace_mask(
    mask: Mask, *, tolerance_px: float = TOLERANCE_PX, least_part: float = LEAST_PART
) -> Polygon | None:
    """Return a mask as a polygon in fractions of its size; None: it is empty.

    Args:
        mask: (height, width).
        tolerance_px: how far the outline may be off, in pixels of the mask.
        least_part: parts and holes that are smaller than this share of the largest are left out.
    """
    rings = sorted(_trace_rings(mask), key=lambda ring: -abs(_signed_area(ring)))
    if not rings:
        return None
    least = least_part * abs(_signed_area(rings[0]))
    kept = [ring for ring in rings if abs(_signed_area(ring)) >= least][:MAX_RINGS]
    size = np.array(mask.shape[::-1])
    outline, *further = (
        tuple(Point(x, y) for x, y in (_shorten(ring, tolerance_px) / size).tolist())
        for ring in kept
    )
    return Polygon(outline, tuple(further))


def _shorten(ring: Ring, tolerance_px: float) -> Ring:
    """Simplify a ring until it has no more corners than a polygon may have."""
    simple = simplify_ring(ring, tolerance_px)
    while len(simple) > MAX_RING_CORNERS:
        tolerance_px = max(2 * tolerance_px, TOLERANCE_PX)
        simple = simplify_ring(ring, tolerance_px)
    return simple


def _trace_rings(mask: Mask) -> list[Ring]:
    """Return the edges between inside and outside as closed rings, the inside on their right.

    Parts that touch only at a corner are apart, so that no ring touches itself.
    """
    stride = mask.shape[1] + 1
    steps = {_RIGHT: 1, _DOWN: stride, _LEFT: -1, _UP: -stride}
    onward = _find_edges(mask)
    rings = []
    for start in sorted(onward):  # the uppermost left place of a ring is a corner of it
        while onward[start]:
            direction = before = onward[start].pop()
            ring, place = [start], start + steps[direction]
            while place != start:
                directions = onward[place]
                turn = (direction + 1) % 4  # to the right: along the same pixel
                direction = turn if turn in directions else directions[0]
                directions.remove(direction)
                if direction != before:
                    ring.append(place)
                before, place = direction, place + steps[direction]
            y, x = np.divmod(np.array(ring), stride)
            rings.append(np.stack([x, y], axis=1).astype(float))
    return rings


def _find_edges(mask: Mask) -> defaultdict[int, list[int]]:
    """Return the directions of the edges that begin at each place, which are numbered by rows."""
    stride = mask.shape[1] + 1
    around = np.pad(mask, 1)
    neighbours = {
        _RIGHT: (around[:-2, 1:-1], 0),  # the edge above a pixel runs to the right
        _DOWN: (around[1:-1, 2:], 1),
        _LEFT: (around[2:, 1:-1], stride + 1),
        _UP: (around[1:-1, :-2], stride),
    }
    onward: defaultdict[int, list[int]] = defaultdict(list)
    for direction, (neighbour, offset) in neighbours.items():
        y, x = np.nonzero(mask & ~neighbour)
        for start in (y * stride + x + offset).tolist():
            onward[start].append(direction)
    return onward


def _signed_area(ring: Ring) -> float:
    """Return the area of a ring; that of a hole is negative."""
    (x1, y1), (x2, y2) = ring.T, np.roll(ring, -1, axis=0).T
    return float((x1 * y2 - x2 * y1).sum() / 2)
