"""Regions that a person marks on an image: checked, and clipped to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vlm_demo.errors import InputError
from vlm_demo.values import (
    MAX_REGIONS,
    Box,
    Message,
    Point,
    Polygon,
    Region,
    Request,
    bounding_box,
)

WHOLE_IMAGE = Box(0.0, 0.0, 1.0, 1.0)


def check_regions(regions: Sequence[Region]) -> None:
    """Refuse regions that no model can be asked about.

    Raises:
        InputError: a region is outside the image or has no area, or there are too many.
    """
    if len(regions) > MAX_REGIONS:
        raise InputError(
            "There are {count} regions; the limit is {max_regions} at a time. Remove some.",
            count=len(regions),
            max_regions=MAX_REGIONS,
        )
    for number, region in enumerate(regions, 1):
        if not _is_on_image(region):
            raise InputError(
                "Region {number} is outside the image or has no area. Draw it again.",
                number=number,
            )


def _is_on_image(region: Region) -> bool:
    if isinstance(region, Point):
        return 0 <= region.x <= 1 and 0 <= region.y <= 1
    if isinstance(region, Polygon) and min(map(len, region.rings)) < 3:
        return False
    return bounding_box(clip_region(region)).area > 0


def clip_region(region: Region) -> Region:
    """Return the part of a region that lies in the image."""
    match region:
        case Box(x1, y1, x2, y2):
            return Box.normalize(x1, y1, x2, y2, by=(1, 1))
        case Point(x, y):
            return Point.normalize(x, y, by=(1, 1))
        case Polygon():
            return region.move_points(lambda point: Point.normalize(point.x, point.y, by=(1, 1)))


def clip_regions(request: Request) -> Request:
    """Clip the regions of a request and of its history to their images."""

    def clip(turn: Message) -> Message:
        return replace(turn, regions=tuple(map(clip_region, turn.regions)))

    regions = tuple(map(clip_region, request.regions))
    return replace(request, regions=regions, history=tuple(map(clip, request.history)))
