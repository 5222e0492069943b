"""Regions of an image: boxes, points and polygons."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Size = tuple[int, int]
"""(width, height) in pixels, the order that PIL uses."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; corners as fractions (0 to 1) of the user's image, x1 <= x2, y1 <= y2."""

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def normalize(
        cls, x1: float, y1: float, x2: float, y2: float, *, by: tuple[float, float]
    ) -> Box:
        """Build a box from coordinates that run from 0 to `by` (width, height).

        Corners are sorted and clipped to the image (house rules H3 and H4).
        """
        width, height = by
        left, right = sorted((_fraction(x1, width), _fraction(x2, width)))
        top, bottom = sorted((_fraction(y1, height), _fraction(y2, height)))
        return cls(left, top, right, bottom)

    def to_pixels(self, size: Size) -> tuple[float, float, float, float]:
        """Return x1, y1, x2, y2 in pixels of an image of `size`, not rounded."""
        width, height = size
        return self.x1 * width, self.y1 * height, self.x2 * width, self.y2 * height

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2."""
        return self.x1, self.y1, self.x2, self.y2

    @property
    def area(self) -> float:
        """The share of the image that the box covers, 0 to 1."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def iou(self, other: Box) -> float:
        """Return the intersection over union with another box of the same image, 0 to 1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)

    def between(self, other: Box, share: float) -> Box:
        """Return the box on the way to another one; `share` 0: this one, 1: the other."""
        return Box(
            self.x1 + (other.x1 - self.x1) * share,
            self.y1 + (other.y1 - self.y1) * share,
            self.x2 + (other.x2 - self.x2) * share,
            self.y2 + (other.y2 - self.y2) * share,
        )


@dataclass(frozen=True, slots=True)
class Point:
    """A point, as fractions (0 to 1) of the user's image."""

    x: float
    y: float

    @classmethod
    def normalize(cls, x: float, y: float, *, by: tuple[float, float]) -> Point:
        """Build a point from coordinates from 0 to `by` (width, height), clipped to the image."""
        return cls(_fraction(x, by[0]), _fraction(y, by[1]))

    def to_pixels(self, size: Size) -> tuple[float, float]:
        """Return x, y in pixels of an image of `size`, not rounded."""
        return self.x * size[0], self.y * size[1]


@dataclass(frozen=True, slots=True)
class Polygon:
    """An area of any form, such as the mask of a thing: its outline, and perhaps further rings.

    Further rings are holes, and parts that lie apart. A place is inside by the even-odd rule: when
    a line from it to the outside crosses the rings an odd number of times.
    """

    points: tuple[Point, ...]
    """The corners of the outline in order, three or more."""

    further_rings: tuple[tuple[Point, ...], ...] = ()
    """The corners of each further ring, three or more."""

    @property
    def rings(self) -> tuple[tuple[Point, ...], ...]:
        """All rings, the outline first."""
        return (self.points, *self.further_rings)

    def to_pixels(self, size: Size) -> tuple[tuple[float, float], ...]:
        """Return the corners (x, y) of the outline in pixels of an image of `size`, not rounded."""
        return tuple(point.to_pixels(size) for point in self.points)

    def rings_to_pixels(self, size: Size) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Return the corners (x, y) of all rings, as `to_pixels` does."""
        return tuple(tuple(point.to_pixels(size) for point in ring) for ring in self.rings)

    def move_points(self, move: Callable[[Point], Point]) -> Polygon:
        """Return the polygon with each of its corners moved."""
        outline, *further = (tuple(map(move, ring)) for ring in self.rings)
        return Polygon(outline, tuple(further))


Region = Box | Point | Polygon
"""A place on an image, of any form."""

MAX_REGIONS = 50
"""Largest number of regions that a request may mark on one image."""


class RegionForm(StrEnum):
    """How the regions of a request reach the model."""

    AUTO = "words"  # in the family's markup; as marks where it has none
    MARKS = "marks"  # drawn into the model's copy of the image, in red with their numbers
    CROP = "crop"  # cropped: the model is shown them instead of the image, or after it
    EXAMPLE = "example"  # drawn into a second copy: the model finds what is like it


def bounding_box(region: Region) -> Box:
    """Return the smallest box around a region, for formats that can only write boxes."""
    match region:
        case Box():
            return region
        case Point(x, y):
            return Box(x, y, x, y)
        case Polygon():
            points = [point for ring in region.rings for point in ring]
            xs, ys = [point.x for point in points], [point.y for point in points]
            return Box(min(xs), min(ys), max(xs), max(ys))


def _fraction(value: float, whole: float) -> float:
    fraction = value / whole
    return min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0
