"""Reads the numbers of one place in JSON: `[x1, y1, x2, y2]`, `{"x": .., "y": ..}` and the like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from vlm_demo.markup.json_parsing.keys import LABELS, SHAPES, SIZED_KEYS, Shape, normalize_key
from vlm_demo.markup.json_parsing.scan import Node
from vlm_demo.markup.parsed_output import NUMBER_PATTERN, Span, parse_number, parse_numbers

_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("x0", "y0", "x1", "y1"),
    ("left", "top", "right", "bottom"),
)
_SIZED = (
    *(("x", "y", "width", "height"), ("x", "y", "w", "h")),
    *(("left", "top", "width", "height"), ("xmin", "ymin", "width", "height")),
)
_CENTRED = (
    *(("cx", "cy", "w", "h"), ("cx", "cy", "width", "height")),
    *(("xcenter", "ycenter", "width", "height"), ("centerx", "centery", "width", "height")),
)
_CORNER_PAIRS = (("topleft", "bottomright"), ("upperleft", "lowerright"), ("start", "end"))
_WRITTEN_NUMBER = re.compile(rf"(?<![\w.]){NUMBER_PATTERN}(?![\w.])")
_BETWEEN_NUMBERS = re.compile(r"[\s,;()\[\]<>{}|]*")
_LONGEST_TEXT = 200
"""Characters of the longest text that is read as numbers."""


@dataclass(slots=True)
class JsonPlace:
    """The numbers of one box, point or polygon."""

    shape: Literal["box", "point", "polygon"]
    numbers: tuple[float, ...]
    """The numbers, in the order of the JSON; of a box with a size, the corners."""

    span: Span
    """Where they stand in the text."""

    key: str = ""
    """The key that names them, as `normalize_key` writes it."""

    has_named_numbers: bool = False
    """Whether each number has a key of its own, so that x stands before y in every space."""

    is_in_pixels: bool = False
    """Whether they count pixels of the picture whatever the family's numbers count."""


def read_flat(node: Node, shape: Shape, name: str) -> JsonPlace | None:
    """Read `[x1, y1, x2, y2]`, `[x, y]` or `[x, y, x, y, x, y, ..]`; no other count (H5)."""
    values = read_numbers(node)
    match shape, len(values):
        case ("box" | "any", 4):
            return JsonPlace("box", values, (node.start, node.end), name)
        case ("point" | "any", 2):
            return JsonPlace("point", values, (node.start, node.end), name)
        case ("polygon", count) if count >= 6 and count % 2 == 0:
            return JsonPlace("polygon", values, (node.start, node.end), name)
    return None


def read_extent_box(node: Node, name: str, *, is_in_pixels: bool = False) -> JsonPlace | None:
    """Read `[x, y, width, height]`."""
    values = read_numbers(node)
    if len(values) != 4:
        return None
    return _to_box_with_extent(values, node, name, is_in_pixels=is_in_pixels)


def read_corner_lists(node: Node, shape: Shape, name: str) -> JsonPlace | None:
    """Read a box of two corners, `[[x, y], [x, y]]`, or a polygon."""
    if shape == "polygon":
        return read_polygon(node, name)
    if shape in ("box", "any") and len(node.items) == 2:
        one, other = (_pair(item) for _, item in node.items)
        if one and other:
            return JsonPlace("box", one + other, (node.start, node.end), name)
    return None


def read_polygon(node: Node, name: str) -> JsonPlace | None:
    """Read `[[x, y], [x, y], [x, y], ..]`, or a list of `{"x": .., "y": ..}`."""
    if len(node.items) < 3:
        return None
    corners = [_pair(item) for _, item in node.items]
    if not all(corners):
        return None
    named = all(item.kind == "object" for _, item in node.items)
    numbers = tuple(value for corner in corners for value in corner)
    return JsonPlace("polygon", numbers, (node.start, node.end), name, has_named_numbers=named)


def read_corners(node: Node, name: str) -> list[JsonPlace]:
    """Read `{"x_min": .., "y_min": .., "x_max": .., "y_max": ..}` and the like."""
    values = _number_fields(node)
    if len(values) < 4:
        return _read_corner_pairs(node, name) if len(node.items) > 1 else []
    for names in _CORNERS:
        if found := _pick(values, names):
            place = JsonPlace("box", found, (node.start, node.end), name, has_named_numbers=True)
            return [place]
    for names in _SIZED:
        if found := _pick(values, names):
            return [_to_box_with_extent(found, node, name)]
    for names in _CENTRED:
        if found := _pick(values, names):
            x, y, width, height = found
            return [_to_box_with_extent((x - width / 2, y - height / 2, width, height), node, name)]
    return _read_corner_pairs(node, name)


def read_pair(node: Node, name: str) -> list[JsonPlace]:
    """Read `{"x": .., "y": ..}`."""
    numbers = _pick(_number_fields(node), ("x", "y"))
    if not numbers:
        return []
    return [JsonPlace("point", numbers, (node.start, node.end), name, has_named_numbers=True)]


def read_text(node: Node, shape: Shape, name: str) -> JsonPlace | None:
    """Read numbers in quotes, `"100, 200, 300, 400"`, with or without brackets in them."""
    if len(node.text) > _LONGEST_TEXT or not (numbers := _numbers_in_text(node.text)):
        return None
    written = Node("numbers", node.start, node.end, f"[{','.join(map(str, numbers))}]")
    return read_flat(written, shape, name)


@lru_cache(maxsize=1000)
def _numbers_in_text(text: str) -> tuple[float, ...]:
    """Return the numbers of a text; () where it holds anything else."""
    if not _BETWEEN_NUMBERS.fullmatch(_WRITTEN_NUMBER.sub("", text)):
        return ()
    return parse_numbers(_WRITTEN_NUMBER.findall(text)) or ()


def read_numbers(node: Node) -> tuple[float, ...]:
    """Return a list's numbers; () if anything else is in it."""
    match node.kind:
        case "numbers":
            items = node.text[1:-1].rstrip().removesuffix(",").split(",")
            values = [parse_number(item) for item in items]
        case "list":
            values = [read_number(item) for _, item in node.items]
        case _:
            values = []
    return () if None in values else tuple(value for value in values if value is not None)


def read_number(node: Node) -> float | None:
    """Return a number, even one in quotes."""
    return parse_number(node.text) if node.kind in ("number", "text") else None


def names_itself(node: Node) -> bool:
    """Whether an object has a label or places of its own, not only the numbers of one place."""
    names = (normalize_key(key) for key, _ in node.items)
    return any(name in SHAPES or name in LABELS or name in SIZED_KEYS for name in names)


def _read_corner_pairs(node: Node, name: str) -> list[JsonPlace]:
    """Read `{"top_left": [x, y], "bottom_right": [x, y]}`."""
    values = {normalize_key(key): item for key, item in node.items}
    for first, second in _CORNER_PAIRS:
        if first in values and second in values:
            one, other = _pair(values[first]), _pair(values[second])
            if one and other:
                return [JsonPlace("box", one + other, (node.start, node.end), name)]
    return []


def _pair(node: Node) -> tuple[float, ...]:
    """Return x and y of a corner, in the order of the JSON; () where it is none."""
    if node.kind == "object":
        return _pick(_number_fields(node), ("x", "y"))
    values = read_numbers(node)
    return values if len(values) == 2 else ()


def _to_box_with_extent(
    values: tuple[float, ...], node: Node, name: str, *, is_in_pixels: bool = False
) -> JsonPlace:
    x, y, width, height = values
    return JsonPlace(
        "box",
        (x, y, x + width, y + height),
        (node.start, node.end),
        name,
        has_named_numbers=True,
        is_in_pixels=is_in_pixels,
    )


def _pick(values: dict[str, float], names: tuple[str, ...]) -> tuple[float, ...]:
    """Return the values of these keys; () where one is missing."""
    found = [values.get(name) for name in names]
    return () if None in found else tuple(value for value in found if value is not None)


def _number_fields(node: Node) -> dict[str, float]:
    values = ((normalize_key(key), read_number(item)) for key, item in node.items)
    return {name: value for name, value in values if value is not None}
