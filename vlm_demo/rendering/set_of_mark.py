"""Set-of-mark pictures: every region gets a number, so that any model can be asked about "3".

Source: Yang et al., Set-of-Mark Prompting, https://arxiv.org/abs/2310.11441. As there, a number is
put well inside its region, clear of other numbers and of smaller regions in front of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import hypot
from statistics import fmean, median

from PIL import ImageDraw, ImageFont
from PIL.Image import Image

from vlm_demo.rendering.fonts import load_font
from vlm_demo.rendering.label_layout import Bounds, Spot
from vlm_demo.rendering.palette import INK, colour_of
from vlm_demo.values import Box, Mention, Point, Polygon, Region, Size, bounding_box

MIN_RADIUS = 9
"""Smallest radius of a mark, in pixels."""

MAX_RADIUS_SHARE = 1 / 24
"""Largest radius of a mark, as a share of the picture's shorter side."""

REGION_SHARE = 0.3
"""Largest radius as a share of the median region's shorter side: small marks do not touch."""

_LIGHT = "#ffffff"
_OVER_MARK, _OVER_REGION, _MISPLACED = 100.0, 2.0, 3.0
"""Costs of a spot on another mark, on a smaller region, and outside its own region."""


def draw_numbers(image: Image, mentions: Sequence[Mention]) -> Image:
    """Return a copy of the picture with every region outlined and numbered from 1.

    Numbers follow the answer: mention by mention, and region by region within one.
    """
    drawn = image.convert("RGB") if image.mode != "RGB" else image.copy()
    placed = [(colour_of(i), region) for i, m in enumerate(mentions) for region in m.regions]
    regions = [region for _, region in placed]
    radius = _radius(regions, image.size)
    spots = place_numbers(regions, image.size, radius)
    pen = ImageDraw.Draw(drawn)
    line = max(2, radius // 5)
    for colour, region in placed:
        _outline(pen, region, image.size, colour, line)
    font = load_font(round(radius * 1.25))
    for number, ((colour, _), spot) in enumerate(zip(placed, spots, strict=True), start=1):
        _draw_mark(pen, spot, str(number), radius, colour, font)
    return drawn


def place_numbers(regions: Sequence[Region], size: Size, radius: float) -> list[Spot]:
    """Return the centre of each region's mark, so that all of it is inside the picture.

    Small regions choose first: they have the fewest good spots.
    """
    bounds = [bounding_box(region).to_pixels(size) for region in regions]
    order = sorted(range(len(regions)), key=lambda index: _area(bounds[index]))
    chosen: dict[int, Spot] = {}
    for rank, index in enumerate(order):
        smaller = [bounds[other] for other in order[:rank]]
        spots = list(_candidates(regions[index], size, radius))
        costs = [
            _cost(spot, spots[0], bounds[index], smaller, chosen.values(), radius) for spot in spots
        ]
        chosen[index] = spots[costs.index(min(costs))]
    return [chosen[index] for index in range(len(regions))]


def _area(box: Bounds) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _radius(regions: Sequence[Region], size: Size) -> int:
    """Return the radius of the marks, in pixels."""
    sides = [
        min(x2 - x1, y2 - y1)
        for x1, y1, x2, y2 in (bounding_box(region).to_pixels(size) for region in regions)
        if x1 < x2 and y1 < y2
    ]
    usual = median(sides) * REGION_SHARE if sides else min(size)
    return max(MIN_RADIUS, round(min(min(size) * MAX_RADIUS_SHARE, usual)))


def _candidates(region: Region, size: Size, radius: float) -> Iterator[Spot]:
    """Yield spots in the region, its middle first, and just outside each of its sides."""
    x1, y1, x2, y2 = bounding_box(region).to_pixels(size)
    middle = (x1 + x2) / 2, (y1 + y2) / 2
    if isinstance(region, Polygon):
        corners = region.to_pixels(size)
        yield fmean(x for x, _ in corners), fmean(y for _, y in corners)
    inside = [
        (x1 + (x2 - x1) * across, y1 + (y2 - y1) * down)
        for down in (0.5, 0.2, 0.8)
        for across in (0.5, 0.2, 0.8)
    ]
    outside = [
        (middle[0], y1 - radius),
        (middle[0], y2 + radius),
        (x1 - radius, middle[1]),
        (x2 + radius, middle[1]),
    ]
    for x, y in (*inside, *outside):
        yield min(max(x, radius), size[0] - radius), min(max(y, radius), size[1] - radius)


def _cost(
    spot: Spot,
    best: Spot,
    box: Bounds,
    front: Sequence[Bounds],
    taken: Iterable[Spot],
    radius: float,
) -> float:
    x1, y1, x2, y2 = box
    near = max(hypot(x2 - x1, y2 - y1), radius)
    cost = hypot(spot[0] - best[0], spot[1] - best[1]) / near
    for other in taken:
        apart = hypot(spot[0] - other[0], spot[1] - other[1])
        cost += _OVER_MARK * max(0.0, 1 - apart / (2 * radius))
    cost += _OVER_REGION * sum(_contains(box, spot) for box in front)
    is_small = min(x2 - x1, y2 - y1) < 3 * radius  # the mark would hide what it marks
    hides = x1 - radius < spot[0] < x2 + radius and y1 - radius < spot[1] < y2 + radius
    if hides if is_small else not _contains(box, spot):
        cost += _MISPLACED
    return cost


def _contains(box: Bounds, spot: Spot) -> bool:
    return box[0] < spot[0] < box[2] and box[1] < spot[1] < box[3]


def _outline(pen: ImageDraw.ImageDraw, region: Region, size: Size, colour: str, line: int) -> None:
    match region:
        case Box():
            x1, y1, x2, y2 = region.to_pixels(size)
            rings: Sequence[Sequence[Spot]] = [((x1, y1), (x2, y1), (x2, y2), (x1, y2))]
        case Polygon():
            rings = region.rings_to_pixels(size)
        case Point():
            x, y = region.to_pixels(size)
            pen.ellipse((x - 2 * line, y - 2 * line, x + 2 * line, y + 2 * line), colour, INK)
            return
    for ring in rings:
        closed = [*ring, ring[0]]
        pen.line(closed, fill=INK, width=line + 2, joint="curve")
        pen.line(closed, fill=colour, width=line, joint="curve")


def _draw_mark(
    pen: ImageDraw.ImageDraw,
    spot: Spot,
    number: str,
    radius: int,
    colour: str,
    font: ImageFont.FreeTypeFont,
) -> None:
    """Draw a pill: a disc, or longer for numbers of several digits."""
    x, y = spot
    half = max(radius, round(font.getlength(number) / 2 + radius * 0.4))
    pen.rounded_rectangle(
        (x - half, y - radius, x + half, y + radius),
        radius=radius,
        fill=INK,
        outline=colour,
        width=max(2, radius // 6),
    )
    pen.text((x, y), number, fill=_LIGHT, font=font, anchor="mm")
