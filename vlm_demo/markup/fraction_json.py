"""Writes regions as JSON with decimals, for families that write fractions of the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.values import Frame, Region, bounding_box


def fraction_writer(
    key: str, decimals: int
) -> Callable[[Sequence[Region], Frame, CoordinateSpace], str]:
    """Return a `Markup.write` of a list of `{key: [x1, y1, x2, y2]}`, even of one."""

    def write(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
        boxes = (space.to_numbers(bounding_box(region), frame) for region in regions)
        objects = (", ".join(f"{number:.{decimals}f}" for number in box) for box in boxes)
        return "[" + ", ".join(f'{{"{key}": [{numbers}]}}' for numbers in objects) + "]"

    return write
