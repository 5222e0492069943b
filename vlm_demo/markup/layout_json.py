"""Reads lists of the elements of a page, `[{"bbox": [...], "category": ..., "text": ...}, ...]`.

Models for documents write them. What people are shown is the text of the elements, one below the
other; elsewhere the text of JSON is not shown. Elements whose JSON is not complete are read as
`json_markup` reads them, without their text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vlm_demo.markup.base import MAX_NUMBER, ParsedOutput, ParsedOutputBuilder, Span
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.json_markup import read_json_into
from vlm_demo.values import Frame

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*+"?|[{}]', re.DOTALL)
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
        for (start, end), element in _find_elements(raw, keys):
            _add_between(builder, raw, (at, start), frame, space)
            _add_element(builder, raw, (start, end), element, frame, space, keys)
            at = end
        _add_between(builder, raw, (at, len(raw)), frame, space)
        return builder.build()

    return read


def _find_elements(raw: str, keys: LayoutKeys) -> Iterator[tuple[Span, Mapping[str, Any]]]:
    """Yield the objects that hold no other object and have a box, and where they stand."""
    start = -1
    for token in _TOKEN.finditer(raw):
        if token[0] == "{":
            start = token.start()
        elif token[0] == "}" and start >= 0:
            element = _parse(raw[start : token.end()])
            if element and _box(element, keys):
                yield (start, token.end()), element
            start = -1


def _parse(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _box(element: Mapping[str, Any], keys: LayoutKeys) -> tuple[float, ...]:
    """Return the four numbers of an element's box; (): it has none that can be drawn."""
    numbers = element.get(keys.box)
    if not isinstance(numbers, list) or len(numbers) != 4:
        return ()
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        return ()
    return tuple(map(float, numbers)) if all(abs(n) < MAX_NUMBER for n in numbers) else ()


def _add_element(
    builder: ParsedOutputBuilder,
    raw: str,
    span: Span,
    element: Mapping[str, Any],
    frame: Frame,
    space: CoordinateSpace,
    keys: LayoutKeys,
) -> None:
    """Add the text and the box of an element."""
    words, label = (str(element.get(key) or "").strip() for key in (keys.text, keys.label))
    if words and not builder.is_empty:
        builder.add_text("\n")
    place = builder.add_text(words)
    numbers = _box(element, keys)
    builder.has_markup = True
    where = _list_span(raw, span, keys)
    region = builder.add_parsed_place(where, numbers, space.to_box(numbers, frame))
    if keys.names_by_text and words:
        builder.add_mention([region], span=place)
    else:
        builder.add_mention([region], phrase=label)


def _list_span(raw: str, span: Span, keys: LayoutKeys) -> Span:
    """Find the numbers of an element that has them."""
    start = raw.find("[", raw.find(f'"{keys.box}"', *span), span[1])
    end = raw.find("]", start, span[1]) + 1
    return (start, end) if 0 <= start < end else span


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
