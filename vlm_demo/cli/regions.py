"""Boxes, points and polygons of an answer, printed for people."""

from __future__ import annotations

from vlm_demo.cli.terminal import print_note, printable
from vlm_demo.rendering.export import reply_to_data
from vlm_demo.values import Reply, ReplyState, Size


def print_regions(reply: Reply, size: Size) -> None:
    """List the regions, one a line, in whole pixels; of several things, also those without any."""
    for item in reply_to_data(reply, size)["items"]:
        regions = [*item["boxes_xyxy_px"], *item["points_px"]]
        regions += [[v for corner in polygon for v in corner] for polygon in item["polygons_px"]]
        for numbers in regions:
            print(f"{printable(item['phrase'])}: {', '.join(f'{v:.0f}' for v in numbers)}")
    for result in reply.targets:
        if result.state is not ReplyState.FOUND and not reply.count_regions(result.name):
            outcome = "not found" if result.state is ReplyState.NONE else "unclear"
            print(f"{printable(result.name)}: {outcome}")
    if reply.state is ReplyState.NONE and not reply.targets:
        print_note("Nothing was found.")
