"""Regions as plain data, for JSON in files and on the page."""

from __future__ import annotations

from typing import Any

from vlm_demo.values import Box, Point, Polygon, Region


def region_data(region: Region) -> dict[str, Any]:
    """Return {"box": [x1, y1, x2, y2]}, {"point": [x, y]} or {"polygon": [[x, y], ...]}.

    The numbers are fractions of the picture, 0 to 1, as those of the region.
    """
    match region:
        case Box(x1, y1, x2, y2):
            return {"box": [x1, y1, x2, y2]}
        case Point(x, y):
            return {"point": [x, y]}
        case Polygon(points):
            return {"polygon": [[point.x, point.y] for point in points]}
