"""Reads output whose author is not known: every notation that can be told from the others."""

from __future__ import annotations

from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.json_markup import JsonReader
from vlm_demo.markup.json_parsing.selection import JsonDialect
from vlm_demo.markup.multi_format_reader import ANY_TAGS, MultiFormatReader
from vlm_demo.markup.parsed_output import ParsedOutput
from vlm_demo.markup.plain_lines import read_lines
from vlm_demo.values import Frame

_JSON = JsonReader(JsonDialect(last_fence=True, y_first_keys=frozenset({"box2d"})))
_MULTI_FORMAT = MultiFormatReader(ANY_TAGS)


def read_any_notation(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read JSON; where there is none about places, tags, numbers in brackets, or lines of them.

    `box_2d` is Gemini's key, whose numbers are y before x in every space.
    """
    output = _JSON(raw, frame, space)
    if output.mentions or output.unreadable or not output.text:
        return output
    mixed = _MULTI_FORMAT(raw, frame, space)
    if mixed.mentions or mixed.unreadable:
        return mixed
    return read_lines(raw, frame, space) or output
