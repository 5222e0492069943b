"""Reads lists of the elements of a page, `[{"bbox": [...], "category": ..., "text": ...}, ...]`.

Models for documents write them. What people are shown is the text of the elements, one below the
other; elsewhere the text of JSON is not shown. Elements whose JSON is not complete are read as
`json_markup` reads them, without their text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vlm_demo.markup.base import ParsedOutput, ParsedOutputBuilder, Span
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.json_markup import read_json_into
from vlm_demo.markup.json_parsing.numbers import read_numbers
from vlm_demo.markup.json_parsing.scan import Node, find_structures
from vlm_demo.values import Frame

_AFTER = re.compile(r"[\s,;\]}]*(?:```)?")
_BEFORE = re.compile(r'(?:```\w*\s*)?(?:\{\s*"\w*"\s*:\s*)?[\s\[,]*\Z')
_LONGEST_BEGINNING = 60
"""Characters before an element in which the beginning of its list is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutKeys:
    """The keys of an element."""

    box: str
    """The key of its four numbers, x1, y1, x2, y2."""

    text: str
    """The key of its text; an element may have none."""

    label: str
    """The key of what it is called."""

    names_by_text: bool = False
    """Whether its phrase is its text rather than what it is called, where it has one."""


def layout_reader(
    keys: LayoutKeys,
) -> Callable[[str, Frame, CoordinateSpace], ParsedOutput]:
    """Return a `Markup.read` for lists of elements with these keys."""

    def read(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
        builder, at = ParsedOutputBuilder(), 0
        for element in _find_elements(raw, keys):
            start, end = element.span
            _add_between(builder, raw, (at, start), frame, space)
            _add_element(builder, element, frame, space, keys)
            at = end
        _add_between(builder, raw, (at, len(raw)), frame, space)
        return builder.build()

    return read


@dataclass(frozen=True, slots=True)
class _PageElement:
    """An element of a page, as it is written."""

    span: Span
    numbers: tuple[float, ...]
    numbers_span: Span
    words: str
    label: str


def _find_elements(raw: str, keys: LayoutKeys) -> Iterator[_PageElement]:
    """Yield the objects with a box, in the order of the output."""
    if keys.box not in raw:
        return
    for structure in find_structures(raw):
        if structure.root:
            yield from _find_in_node(structure.root, keys)
        for bracket in structure.unclosed:
            for _, item in bracket.node.items:
                yield from _find_in_node(item, keys)


def _find_in_node(node: Node, keys: LayoutKeys) -> Iterator[_PageElement]:
    fields = {key: value for key, value in node.items if key}
    box = fields.get(keys.box)
    numbers = read_numbers(box) if box else ()
    if box and len(numbers) == 4:
        words, label = (
            fields[key].text.strip() if key in fields and fields[key].kind == "text" else ""
            for key in (keys.text, keys.label)
        )
        yield _PageElement((node.start, node.end), numbers, (box.start, box.end), words, label)
        return
    for _, item in node.items:
        yield from _find_in_node(item, keys)


def _add_element(
    builder: ParsedOutputBuilder,
    element: _PageElement,
    frame: Frame,
    space: CoordinateSpace,
    keys: LayoutKeys,
) -> None:
    """Add the text and the box of an element."""
    if element.words and not builder.is_empty:
        builder.add_text("\n")
    place = builder.add_text(element.words)
    builder.has_markup = True
    region = space.to_box(element.numbers, frame)
    builder.add_parsed_place(element.numbers_span, element.numbers, region)
    if keys.names_by_text and element.words:
        builder.add_mention([region], span=place)
    else:
        builder.add_mention([region], phrase=element.label)


def _add_between(
    builder: ParsedOutputBuilder, raw: str, span: Span, frame: Frame, space: CoordinateSpace
) -> None:
    """Add what stands between elements: nothing, prose, or JSON that is not complete."""
    start, end = span
    if start and (after := _AFTER.match(raw, start, end)):
        start = after.end()
    if end < len(raw) and (
        before := _BEFORE.search(raw, max(start, end - _LONGEST_BEGINNING), end)
    ):
        end = before.start()
    if start < end:
        if not builder.is_empty:
            builder.add_text("\n")
        read_json_into(builder, raw[start:end], frame, space, offset=start)
