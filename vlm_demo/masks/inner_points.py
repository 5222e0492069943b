"""The innermost point of a polygon: the one that is farthest from its edges."""

from __future__ import annotations

import numpy as np

from vlm_demo.masks.rasters import draw_mask
from vlm_demo.masks.simplification import distances_to_line
from vlm_demo.values import Point, Polygon, bounding_box

GRID = 32
"""Number of places across and down a polygon that are compared."""


def find_inner_point(polygon: Polygon) -> Point:
    """Return the place in a polygon that is farthest from its edges, nearly.

    Of a polygon that is too thin for the grid, it is one of the corners.
    """
    box = bounding_box(polygon)
    corner, extent = np.array([box.x1, box.y1]), np.array([box.x2 - box.x1, box.y2 - box.y1])
    in_box = polygon.move_points(
        lambda point: Point((point.x - box.x1) / extent[0], (point.y - box.y1) / extent[1])
    )
    rows, columns = np.nonzero(draw_mask(in_box, (GRID, GRID)))
    if not rows.size:
        return polygon.points[0]
    places = (np.stack([columns, rows], axis=1) + 0.5) / GRID * extent
    nearest = np.full(len(places), np.inf)
    for ring in polygon.rings:
        corners = np.array([(point.x, point.y) for point in ring]) - corner
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            nearest = np.minimum(nearest, distances_to_line(places, start, end))
    x, y = (places[nearest.argmax()] + corner).tolist()
    return Point(x, y)
