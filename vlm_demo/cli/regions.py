"""Boxes, points and polygons of an answer, printed for people."""

from __future__ import annotations

from collections.abc import Sequence

from vlm_demo.cli.terminal import print_note, printable
from vlm_demo.rendering.export import reply_to_data
from vlm_demo.values import Reply, ReplyState, Size


def print_regions(reply: Reply, size: Size) -> None:
    """List the regions, one a line, in whole pixels; of several things, also those without any.

    Of a polygon with holes or further parts, semicolons separate the rings.
    """
    for item in reply_to_data(reply, size)["items"]:
        regions = [*item["boxes_xyxy_px"], *item["points_px"]]
        regions += [_join(polygon) for polygon in item["polygons_px"]]
        lines = [_format_numbers(numbers) for numbers in regions]
        for mask in item.get("masks_px", ()):
            lines.append("; ".join(_format_numbers(_join(ring)) for ring in mask))
        for line in lines:
            print(f"{printable(item['phrase'])}: {line}")
    for result in reply.targets:
        if result.state is not ReplyState.FOUND and not reply.count_regions(result.name):
            outcome = "not found" if result.state is ReplyState.NONE else "unclear"
            print(f"{printable(result.name)}: {outcome}")
    if reply.state is ReplyState.NONE and not reply.targets:
        print_note("Nothing was found.")


def _join(corners: Sequence[Sequence[float]]) -> list[float]:
    return [value for corner in corners for value in corner]


def _format_numbers(numbers: Sequence[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in numbers)
