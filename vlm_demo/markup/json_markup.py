"""Reads and writes regions as JSON, in code fences or not, with prose around it.

Besides objects with named places, lists of numbers without a key are read where a family allows
them (`JsonDialect`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vlm_demo.markup.coordinate_spaces import PIXELS, CoordinateSpace
from vlm_demo.markup.json_parsing.numbers import JsonPlace
from vlm_demo.markup.json_parsing.selection import (
    PLAIN_JSON,
    HiddenPassage,
    JsonDialect,
    find_hidden_passages,
)
from vlm_demo.markup.json_parsing.shapes import LabelledPlaces
from vlm_demo.markup.parsed_output import ParsedOutput, ParsedOutputBuilder
from vlm_demo.markup.point_tags import add_text_and_points, strip_partial_point_tag
from vlm_demo.values import Frame, Point, Region, bounding_box

_OPEN_FENCE = re.compile(r"```\w*\s*\Z")
_OBJECT_BEGINS = re.compile(r"(?:`{3,}|~{3,})|`?[\s\[]*[{\"']")
_SOLID = re.compile(r"[\"'](?:bbox|box|bounding_?box)(?:es)?_?3d[\"']\s*:", re.IGNORECASE)
_PARTIAL_FENCE = re.compile(r"(?:\A|(?<=\n))``?\Z")


ReadMarkup = Callable[[str, Frame, CoordinateSpace], ParsedOutput]
"""How output is read; see `Markup.read`."""


@dataclass(frozen=True, slots=True)
class JsonReader:
    """Reads answers in one dialect of JSON."""

    dialect: JsonDialect = PLAIN_JSON

    def __call__(self, raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
        """Read output; see `Markup.read`."""
        builder = ParsedOutputBuilder()
        read_json_into(builder, raw, frame, space, self.dialect)
        return builder.build()


def json_reader(dialect: JsonDialect = PLAIN_JSON) -> JsonReader:
    """Return a `Markup.read` for answers in this dialect."""
    return JsonReader(dialect)


def read_with_json(
    read: ReadMarkup,
    raw: str,
    frame: Frame,
    space: CoordinateSpace,
    json_space: CoordinateSpace,
) -> ParsedOutput:
    """Read output in a family's own markup, and the JSON about places that stands in it.

    Numbers in JSON are in `json_space`. Without such JSON, `read` alone decides.
    """
    if not any(sign in raw for sign in ("{", "`", "~~~", "[]")):
        return read(raw, frame, space)
    passages = [
        passage
        for passage in find_hidden_passages(raw, PLAIN_JSON, with_other_json=True)
        if passage.names_places or passage.says_nothing or _begins_object(raw, passage)
    ]
    builder, at = ParsedOutputBuilder(), 0
    for passage in passages:
        before = raw[at : passage.start]
        builder.add_output(read(before, frame, space), at, around=before)
        if passage.is_text:
            builder.add_text(raw[passage.start : passage.end])
        else:
            add_passage(builder, passage, frame, json_space)
        at = passage.end
    rest = strip_partial_fence(raw, at)
    if not passages and len(rest) == len(raw):
        output = read(raw, frame, space)
        if not names_boxes_in_space(raw):
            return output
        builder.add_output(output, 0)
    else:
        builder.add_output(read(rest, frame, space), at, around=rest)
    builder.is_damaged |= names_boxes_in_space(raw)
    return builder.build()


def strip_partial_fence(text: str, at: int) -> str:
    """Return the text from an index on, without the beginning of a code fence at its end."""
    rest = _PARTIAL_FENCE.sub("", text[at:])
    return _OPEN_FENCE.sub("", rest) if text.count("```") % 2 else rest


def names_boxes_in_space(text: str) -> bool:
    """Whether there are boxes in space, `bbox_3d`, which are not on a picture."""
    return _SOLID.search(text) is not None


def _begins_object(raw: str, passage: HiddenPassage) -> bool:
    """Whether a passage holds objects, not only lists of numbers."""
    return _OBJECT_BEGINS.match(raw, passage.start) is not None


def add_passage(
    builder: ParsedOutputBuilder,
    passage: HiddenPassage,
    frame: Frame,
    space: CoordinateSpace,
    dialect: JsonDialect = PLAIN_JSON,
    *,
    offset: int = 0,
) -> None:
    """Add the regions of JSON that is no text for people."""
    builder.has_markup |= passage.names_places and not passage.says_nothing
    builder.is_damaged |= passage.unread_count > 0
    for group in passage.groups:
        add_places(builder, group, frame, space, dialect, offset=offset)


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
        add_passage(builder, passage, frame, space, dialect, offset=offset)
        at = passage.end
    rest = strip_partial_point_tag(strip_partial_fence(text, at))
    builder.is_damaged |= names_boxes_in_space(text)
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
    if place.is_in_pixels and not frame.space:
        space = PIXELS
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
