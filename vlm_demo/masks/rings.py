"""What the rings of a polygon are: outlines of parts, or holes in them."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

from vlm_demo.values import Polygon, Size

Corner = tuple[float, float]
"""x, y in pixels."""

Ring = Sequence[Corner]
"""The corners of a ring, in order."""


def split_holes(polygon: Polygon, size: Size) -> tuple[list[Ring], list[Ring]]:
    """Return the outlines of the parts, and the holes, in pixels of a picture of `size`.

    A hole is a ring that lies in an odd number of others.
    """
    rings: tuple[Ring, ...] = polygon.rings_to_pixels(size)
    outlines: list[Ring] = []
    holes: list[Ring] = []
    for index, ring in enumerate(rings):
        others = [other for at, other in enumerate(rings) if at != index]
        is_hole = sum(_contains(other, ring[0]) for other in others) % 2
        (holes if is_hole else outlines).append(ring)
    return outlines, holes


def outline_area(polygon: Polygon, size: Size) -> float:
    """Return the area of a polygon without its holes, in pixels of a picture of `size`."""
    outlines, holes = split_holes(polygon, size)
    return sum(map(_area, outlines)) - sum(map(_area, holes))


def join_rings(polygon: Polygon, size: Size) -> Ring:
    """Return one ring that goes around all of them, for formats that hold no others.

    It walks from ring to ring and back on the same line, where they are closest; filled by the
    even-odd rule, it is the same area.
    """
    joined, *rest = map(list, polygon.rings_to_pixels(size))
    for ring in rest:
        _, at, other = min(
            (hypot(x1 - x2, y1 - y2), at, other)
            for at, (x1, y1) in enumerate(joined)
            for other, (x2, y2) in enumerate(ring)
        )
        around = [*ring[other:], *ring[: other + 1]]
        joined = [*joined[: at + 1], *around, *joined[at:]]
    return joined


def _area(ring: Ring) -> float:
    """Return the area of a ring, by the shoelace formula."""
    following = (*ring[1:], ring[0])
    pairs = zip(ring, following, strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def _contains(ring: Ring, corner: Corner) -> bool:
    x, y = corner
    is_inside = False
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            is_inside = not is_inside
    return is_inside
