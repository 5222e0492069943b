"""Regions as JSON and back, in the two forms that the program writes.

As fractions of the picture, {"box": [x1, y1, x2, y2]}, {"point": [x, y]} or
{"polygon": [[x, y], ...]}: in saved conversations, links and on the page. The holes of a polygon,
and its parts that lie apart, are in "further_rings", a list of such lists. In pixels, a list for
each kind of region: in results and benchmarks, which other programs read; there a polygon with
further rings is a mask, the list of all its rings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NotRequired, TypedDict

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
"""Largest number of corners of one ring of a polygon."""

MAX_FURTHER_RINGS = 100
"""Largest number of holes and further parts of one polygon."""

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


_Ring = Annotated[list[tuple[Fraction, Fraction]], Field(min_length=3, max_length=MAX_CORNERS)]


class PolygonModel(_FractionsModel):
    """A polygon as JSON."""

    polygon: _Ring
    further_rings: Annotated[list[_Ring], Field(max_length=MAX_FURTHER_RINGS)] = []

    def to_region(self) -> Region:
        """Return the polygon as a value."""
        outline, *further = (
            tuple(Point(x, y) for x, y in ring) for ring in (self.polygon, *self.further_rings)
        )
        return Polygon(outline, tuple(further))


def _kind_of(value: object) -> str | None:
    """Return the key that tells boxes, points and polygons apart."""
    if not isinstance(value, dict):
        return None
    return next((key for key in value if key != "further_rings"), None)


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

    The numbers are fractions of the picture, 0 to 1, as those of the region. A polygon with further
    rings has them as "further_rings".
    """
    match region:
        case Box(x1, y1, x2, y2):
            return {"box": [x1, y1, x2, y2]}
        case Point(x, y):
            return {"point": [x, y]}
        case Polygon():
            outline, *further = ([[point.x, point.y] for point in ring] for ring in region.rings)
            return {"polygon": outline, **({"further_rings": further} if further else {})}


class RegionsInPixels(TypedDict):
    """Regions by kind, in pixels of the picture as it is seen upright."""

    boxes_xyxy_px: list[list[float]]
    points_px: list[list[float]]
    polygons_px: list[list[list[float]]]
    masks_px: NotRequired[list[list[list[list[float]]]]]
    """Polygons with further rings: the outline, then holes and parts apart (even-odd rule)."""


_Polygon = Annotated[list[tuple[Pixel, Pixel]], Field(min_length=3, max_length=MAX_CORNERS)]
_Mask = Annotated[list[_Polygon], Field(min_length=1, max_length=MAX_FURTHER_RINGS + 1)]


class RegionsInPixelsModel(BaseModel):
    """Reads what `regions_to_px` writes; a missing list is empty."""

    boxes_xyxy_px: list[tuple[Pixel, Pixel, Pixel, Pixel]] = Field(
        [], max_length=MAX_ANSWER_REGIONS
    )
    points_px: list[tuple[Pixel, Pixel]] = Field([], max_length=MAX_ANSWER_REGIONS)
    polygons_px: list[_Polygon] = Field([], max_length=MAX_ANSWER_REGIONS)
    masks_px: list[_Mask] = Field([], max_length=MAX_ANSWER_REGIONS)

    def to_regions(self, size: Size) -> tuple[Region, ...]:
        """Return the regions as values, clipped to a picture of `size`: boxes come first."""
        return (
            *(Box.normalize(*box, by=size) for box in self.boxes_xyxy_px),
            *(Point.normalize(*point, by=size) for point in self.points_px),
            *(_read_rings([polygon], size) for polygon in self.polygons_px),
            *(_read_rings(rings, size) for rings in self.masks_px),
        )


def _read_rings(rings: Sequence[Sequence[tuple[float, float]]], size: Size) -> Polygon:
    outline, *further = (
        tuple(Point.normalize(*corner, by=size) for corner in ring) for ring in rings
    )
    return Polygon(outline, tuple(further))


def regions_to_px(regions: Sequence[Region], size: Size) -> RegionsInPixels:
    """Return regions by kind, in pixels of a picture of `size`; masks only where there are any."""
    outlines = [
        [[round_px(corner) for corner in ring] for ring in region.rings_to_pixels(size)]
        for region in regions
        if isinstance(region, Polygon)
    ]
    data: RegionsInPixels = {
        "boxes_xyxy_px": [round_px(r.to_pixels(size)) for r in regions if isinstance(r, Box)],
        "points_px": [round_px(r.to_pixels(size)) for r in regions if isinstance(r, Point)],
        "polygons_px": [rings[0] for rings in outlines if len(rings) == 1],
    }
    if masks := [rings for rings in outlines if len(rings) > 1]:
        data["masks_px"] = masks
    return data


def round_px(numbers: Sequence[float]) -> list[float]:
    """Round coordinates in pixels."""
    return [round(float(number), DECIMALS) for number in numbers]
