"""The coordinates of regions as plain numbers, and whether two readings of them are the same."""

from __future__ import annotations

from collections.abc import Sequence

from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.values import Box, Frame, ParsedPlace, Point, Polygon, Region, Reply, Size

Numbers = tuple[float, ...]
"""The coordinates of one region, x before y."""

SAME_READING = 0.004
"""Largest difference, as a fraction of the picture, between two readings of the same region."""


def flatten(region: Region, size: Size) -> Numbers:
    """Return the coordinates of a region in pixels of a picture of `size`."""
    match region:
        case Box() | Point():
            return region.to_pixels(size)
        case Polygon():
            rings = region.rings_to_pixels(size)
            return tuple(value for ring in rings for corner in ring for value in corner)


def coordinates_of(reply: Reply) -> list[Numbers]:
    """Return the coordinates of each region of a reply as fractions, in order."""
    return [flatten(region, (1, 1)) for mention in reply.mentions for region in mention.regions]


def look_alike(one: Sequence[Numbers], other: Sequence[Numbers]) -> bool:
    """Whether regions are the same to the eye: 0 to 999 or 0 to 1000 makes no difference."""
    return len(one) == len(other) and all(
        len(a) == len(b) and all(abs(x - y) <= SAME_READING for x, y in zip(a, b, strict=True))
        for a, b in zip(one, other, strict=True)
    )


def is_written_in(space: CoordinateSpace, place: ParsedPlace, frame: Frame) -> bool:
    """Whether the numbers of a place are coordinates in the space, and yield its region."""
    match place.region:
        case Box() if len(place.numbers) == 4:
            region: Region = space.to_box(place.numbers, frame)
        case Point() if len(place.numbers) == 2:
            region = space.to_point(place.numbers, frame)
        case Polygon() if len(place.numbers) >= 6:
            region = space.to_polygon(place.numbers, frame)
        case _:
            return False
    return look_alike([flatten(region, (1, 1))], [flatten(place.region, (1, 1))])


def numbers_in_space(
    places: Sequence[ParsedPlace], space: CoordinateSpace, frame: Frame
) -> list[Numbers]:
    """Return the numbers of those places that are written in the space."""
    return [place.numbers for place in places if is_written_in(space, place, frame)]
