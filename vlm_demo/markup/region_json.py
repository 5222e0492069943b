"""Regions as JSON and back, in the two forms that the program writes.

As fractions of the picture, {"box": [x1, y1, x2, y2]}, {"point": [x, y]} or
{"polygon": [[x, y], ...]}: in saved conversations, links and on the page. In pixels, a list for
each kind of region: in results and benchmarks, which other programs read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    model_validator,
)

from vlm_demo.values import MAX_REGIONS, Box, Point, Polygon, Region, Size

MAX_ANSWER_REGIONS = 10_000
"""Largest number of regions of one kind in one answer."""

MAX_CORNERS = 2_000
"""Largest number of corners of one polygon."""

DECIMALS = 4
"""Decimals of a coordinate in pixels; they hide the noise of binary fractions."""

_ROUNDING = 1e-6  # how far beyond the picture a region may end when it was moved to the edge


def _clip(fraction: float) -> float:
    if not -_ROUNDING <= fraction <= 1 + _ROUNDING:
        raise ValueError("this lies outside the picture")
    return min(max(fraction, 0.0), 1.0)


Fraction = Annotated[float, Field(strict=True, allow_inf_nan=False), AfterValidator(_clip)]
"""A coordinate as a fraction of the picture's width or height."""

Pixel = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A coordinate in pixels; what lies outside the picture is clipped to it."""


class _FractionsModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BoxModel(_FractionsModel):
    """A box as JSON."""

    box: tuple[Fraction, Fraction, Fraction, Fraction]

    @model_validator(mode="after")
    def _check_order(self) -> BoxModel:
        x1, y1, x2, y2 = self.box
        if x1 > x2 or y1 > y2:
            raise ValueError("the corners of a box are in the wrong order")
        return self

    def to_region(self) -> Region:
        """Return the box as a value."""
        return Box(*self.box)


class PointModel(_FractionsModel):
    """A point as JSON."""

    point: tuple[Fraction, Fraction]

    def to_region(self) -> Region:
        """Return the point as a value."""
        return Point(*self.point)


class PolygonModel(_FractionsModel):
    """A polygon as JSON."""

    polygon: Annotated[list[tuple[Fraction, Fraction]], Field(min_length=3, max_length=MAX_CORNERS)]

    def to_region(self) -> Region:
        """Return the polygon as a value."""
        return Polygon(tuple(Point(x, y) for x, y in self.polygon))


def _kind_of(value: object) -> str | None:
    """Return the key that tells boxes, points and polygons apart."""
    return next(iter(value), None) if isinstance(value, dict) else None


RegionModel = Annotated[
    Annotated[BoxModel, Tag("box")]
    | Annotated[PointModel, Tag("point")]
    | Annotated[PolygonModel, Tag("polygon")],
    Discriminator(
        _kind_of,
        custom_error_type="region",
        custom_error_message="Input should be a box, a point or a polygon",
    ),
]
"""A region as JSON, for pydantic models that hold some."""

MarkedRegions = Annotated[list[RegionModel], Field(max_length=MAX_REGIONS)]
"""Regions that a person has marked on one picture."""

_MARKED_REGIONS: TypeAdapter[list[BoxModel | PointModel | PolygonModel]] = TypeAdapter(
    MarkedRegions
)


def read_marked_regions(value: object) -> tuple[Region, ...]:
    """Read a list of regions that a person has marked.

    Raises:
        ValidationError: it is no such list, or a region lies outside the picture.
    """
    return tuple(model.to_region() for model in _MARKED_REGIONS.validate_python(value))


def region_to_json(region: Region) -> dict[str, Any]:
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


class RegionsInPixels(TypedDict):
    """Regions by kind, in pixels of the picture as it is seen upright."""

    boxes_xyxy_px: list[list[float]]
    points_px: list[list[float]]
    polygons_px: list[list[list[float]]]


_Polygon = Annotated[list[tuple[Pixel, Pixel]], Field(min_length=3, max_length=MAX_CORNERS)]


class RegionsInPixelsModel(BaseModel):
    """Reads what `regions_to_px` writes; a missing list is empty."""

    boxes_xyxy_px: list[tuple[Pixel, Pixel, Pixel, Pixel]] = Field(
        [], max_length=MAX_ANSWER_REGIONS
    )
    points_px: list[tuple[Pixel, Pixel]] = Field([], max_length=MAX_ANSWER_REGIONS)
    polygons_px: list[_Polygon] = Field([], max_length=MAX_ANSWER_REGIONS)

    def to_regions(self, size: Size) -> tuple[Region, ...]:
        """Return the regions as values, clipped to a picture of `size`: boxes come first."""
        return (
            *(Box.normalize(*box, by=size) for box in self.boxes_xyxy_px),
            *(Point.normalize(*point, by=size) for point in self.points_px),
            *(
                Polygon(tuple(Point.normalize(*corner, by=size) for corner in polygon))
                for polygon in self.polygons_px
            ),
        )


def regions_to_px(regions: Sequence[Region], size: Size) -> RegionsInPixels:
    """Return regions by kind, in pixels of a picture of `size`."""
    return {
        "boxes_xyxy_px": [round_px(r.to_pixels(size)) for r in regions if isinstance(r, Box)],
        "points_px": [round_px(r.to_pixels(size)) for r in regions if isinstance(r, Point)],
        "polygons_px": [
            [round_px(corner) for corner in region.to_pixels(size)]
            for region in regions
            if isinstance(region, Polygon)
        ],
    }


def round_px(numbers: Sequence[float]) -> list[float]:
    """Round coordinates in pixels."""
    return [round(float(number), DECIMALS) for number in numbers]
