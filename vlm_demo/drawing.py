"""Regions drawn into a picture: for chat bubbles and for downloads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import supervision as sv
from PIL import ImageDraw
from PIL.Image import Image

from vlm_demo.palette import COLOURS, colour_of
from vlm_demo.types import Box, Mention, Point, Polygon, Region, Size

FONT = Path(__file__).parents[1] / "assets" / "fonts" / "MPLUS1-Bold.subset.otf"

LONGEST_LABEL = 40  # characters; the rest would cover the picture

_PALETTE = sv.ColorPalette.from_hex(list(COLOURS))
_EDGE = sv.Color.from_hex("#0f172a")  # a dark edge keeps a light line visible on a light picture


def draw(image: Image, mentions: Sequence[Mention]) -> Image:
    """Return a copy of the picture with every region outlined and labelled with its phrase.

    Lines and letters grow with the picture. The regions of one mention share a colour.
    """
    drawn = image.convert("RGB")  # always a copy, also when it is RGB already
    placed = [
        (index, mention.phrase, region)
        for index, mention in enumerate(mentions)
        for region in mention.regions
    ]
    if not placed:
        return drawn
    line = max(2, round(min(image.size) / 160))
    for index, _, region in placed:
        if isinstance(region, Polygon):
            _draw_outline(drawn, region, colour_of(index), line)
    boxes = _detections([(i, r) for i, _, r in placed if isinstance(r, Box)], image.size)
    points = _detections([(i, r) for i, _, r in placed if isinstance(r, Point)], image.size)
    drawn = sv.BoxAnnotator(_EDGE, thickness=line + 2).annotate(drawn, boxes)
    drawn = sv.BoxAnnotator(_PALETTE, thickness=line).annotate(drawn, boxes)
    drawn = sv.DotAnnotator(
        _PALETTE, radius=line * 3, outline_thickness=line, outline_color=_EDGE
    ).annotate(drawn, points)
    return _label(drawn, placed)


def _label(drawn: Image, placed: Sequence[tuple[int, str, Region]]) -> Image:
    named = [(index, phrase, region) for index, phrase, region in placed if phrase.strip()]
    size = max(12, round(min(drawn.size) / 22))
    annotator = sv.RichLabelAnnotator(
        _PALETTE,
        text_color=_EDGE,
        font_path=str(FONT),
        font_size=size,
        text_padding=max(3, size // 4),
        smart_position=True,  # labels stay inside the picture and off each other
    )
    return annotator.annotate(
        drawn,
        _detections([(index, region) for index, _, region in named], drawn.size),
        [_shortened(phrase) for _, phrase, _ in named],
    )


def _shortened(phrase: str) -> str:
    words = " ".join(phrase.split())
    return words if len(words) <= LONGEST_LABEL else words[: LONGEST_LABEL - 1] + "…"


def _detections(placed: Sequence[tuple[int, Region]], size: Size) -> sv.Detections:
    if not placed:
        return sv.Detections.empty()
    return sv.Detections(
        xyxy=np.array([_bounds(region, size) for _, region in placed]),
        class_id=np.array([index for index, _ in placed]),
    )


def _bounds(region: Region, size: Size) -> tuple[float, float, float, float]:
    """Return x1, y1, x2, y2 in pixels, inside the picture."""
    match region:
        case Box():
            corners = region.to_pixels(size)
        case Point():
            corners = region.to_pixels(size) * 2
        case Polygon():
            xs, ys = zip(*region.to_pixels(size), strict=True)
            corners = min(xs), min(ys), max(xs), max(ys)
    # A line on the border itself would be drawn half outside.
    right, bottom = size[0] - 1, size[1] - 1
    x1, y1, x2, y2 = corners
    return min(x1, right), min(y1, bottom), min(x2, right), min(y2, bottom)


def _draw_outline(drawn: Image, polygon: Polygon, colour: str, line: int) -> None:
    corners = [*polygon.to_pixels(drawn.size), polygon.points[0].to_pixels(drawn.size)]
    pen = ImageDraw.Draw(drawn)
    pen.line(corners, fill=_EDGE.as_hex(), width=line + 2, joint="curve")
    pen.line(corners, fill=colour, width=line, joint="curve")
