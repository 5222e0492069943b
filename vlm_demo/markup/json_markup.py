"""Reads and writes regions as JSON, in code fences or not, with prose around it.

Besides objects with named places, lists of numbers without a key are read where a family allows
them (`JsonDialect`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from vlm_demo.markup.base import ParsedOutput, ParsedOutputBuilder
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.json_selection import PLAIN_JSON, JsonDialect, find_hidden_passages
from vlm_demo.markup.json_shapes import JsonPlace, LabelledPlaces
from vlm_demo.markup.point_tags import add_text_and_points, strip_partial_point_tag
from vlm_demo.values import Frame, Point, Region, bounding_box

_OPEN_FENCE = re.compile(r"```\w*\s*\Z")
_PARTIAL_FENCE = re.compile(r"(?:\A|(?<=\n))``?\Z")


def json_reader(
    dialect: JsonDialect = PLAIN_JSON,
) -> Callable[[str, Frame, CoordinateSpace], ParsedOutput]:
    """Return a `Markup.read` for answers in this dialect."""

    def read(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
        builder = ParsedOutputBuilder()
        read_json_into(builder, raw, frame, space, dialect)
        return builder.build()

    return read


def read_json_into(
    builder: ParsedOutputBuilder,
    text: str,
    frame: Frame,
    space: CoordinateSpace,
    dialect: JsonDialect = PLAIN_JSON,
    *,
    offset: int = 0,
) -> None:
    """Add the words and the regions of a text, which may end anywhere.

    `offset` is where the text begins in the output.
    """
    at = 0
    for passage in find_hidden_passages(text, dialect):
        add_text_and_points(builder, text[at : passage.start], frame, space, offset + at)
        builder.has_markup |= passage.names_places
        for group in passage.groups:
            add_places(builder, group, frame, space, dialect, offset=offset)
        at = passage.end
    rest = strip_partial_point_tag(text[at:])
    rest = _PARTIAL_FENCE.sub("", rest)
    if text.count("```") % 2:
        rest = _OPEN_FENCE.sub("", rest)
    add_text_and_points(builder, rest, frame, space, offset + at)


def add_places(
    builder: ParsedOutputBuilder,
    group: LabelledPlaces,
    frame: Frame,
    space: CoordinateSpace,
    dialect: JsonDialect = PLAIN_JSON,
    *,
    offset: int = 0,
) -> None:
    """Add the regions of one object, under its label."""
    regions = []
    for place in group.places:
        span = (place.span[0] + offset, place.span[1] + offset)
        region = _to_region(place, frame, space, dialect)
        regions.append(builder.add_parsed_place(span, place.numbers, region))
    builder.add_mention(regions, phrase=group.label)


def json_writer(key: str) -> Callable[[Sequence[Region], Frame, CoordinateSpace], str]:
    """Return a `Markup.write` of `{key: [x1, y1, x2, y2]}`, and of several as a list of these."""

    def write(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
        objects = [
            f'{{"{key}": [{", ".join(_whole_numbers(region, frame, space))}]}}'
            for region in regions
        ]
        return objects[0] if len(objects) == 1 else f"[{', '.join(objects)}]"

    return write


def json_point_writer(key: str) -> Callable[[Point, Frame, CoordinateSpace], str]:
    """Return a `Markup.write_point` of `{key: [x, y]}`."""

    def write(point: Point, frame: Frame, space: CoordinateSpace) -> str:
        x, y = map(round, space.to_numbers(point, frame))
        return f'{{"{key}": [{x}, {y}]}}'

    return write


def write_box_lists(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write regions as boxes, `[[x1,y1,x2,y2],[x1,y1,x2,y2]]`."""
    boxes = (",".join(_whole_numbers(region, frame, space)) for region in regions)
    return f"[[{'],['.join(boxes)}]]"


def _whole_numbers(region: Region, frame: Frame, space: CoordinateSpace) -> list[str]:
    return [str(round(number)) for number in space.to_numbers(bounding_box(region), frame)]


def _to_region(
    place: JsonPlace, frame: Frame, space: CoordinateSpace, dialect: JsonDialect
) -> Region:
    numbers = place.numbers
    if (space.y_first or place.key in dialect.y_first_keys) and not place.has_named_numbers:
        numbers = tuple(v for at in range(0, len(numbers), 2) for v in numbers[at : at + 2][::-1])
    if space.y_first:
        space = replace(space, y_first=False)
    match place.shape:
        case "box":
            return space.to_box(numbers, frame)
        case "point":
            return space.to_point(numbers, frame)
        case "polygon":
            return space.to_polygon(numbers, frame)
