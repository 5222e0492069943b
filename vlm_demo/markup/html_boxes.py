"""Boxes in HTML attributes and comments, as Qwen's document parsing writes them.

    <h1 data-bbox="64 48 320 96">Title</h1>
    <!-- Image (82, 94, 252, 297) -->

Source: cookbooks/document_parsing.ipynb of https://github.com/QwenLM/Qwen3-VL ("QwenVL HTML" and
"QwenVL Markdown"). The numbers are in the space of the family's JSON. The words of an element up to
the next tag are the phrase of its box; all tags of such an answer are left out of the text.
"""

from __future__ import annotations

import re

from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.parsed_output import (
    NUMBER_PATTERN,
    ParsedOutputBuilder,
    Span,
    parse_numbers,
)
from vlm_demo.values import Frame

_FOUR = rf"{NUMBER_PATTERN}(?:[\s,]+{NUMBER_PATTERN}){{3}}"
_TAG = re.compile(
    rf"</?[A-Za-z][\w-]*+(?:\s[^<>]*)?>|<!--\s*(?P<name>[^<>()]{{0,60}})\((?P<comment>{_FOUR})\)\s*-->"
    r"|(?:```|~~~)(?:html|markdown)?"
)
_BOX = re.compile(r"\sdata-bbox\s*=\s*[\"']?\s*(?P<box>[^\"'<>]{0,120})")
_PARTIAL_TAG = re.compile(r"<(?:[A-Za-z/!][^<>]*)?|`{1,2}")
_SEPARATOR = re.compile(r"[\s,]+")
_HTML = re.compile(rf"\sdata-bbox\s*=|<!--\s*[^<>()]{{0,60}}\({NUMBER_PATTERN},")


def has_html_boxes(text: str) -> bool:
    """Whether there is an element with a box."""
    return _HTML.search(text) is not None


def add_html(
    builder: ParsedOutputBuilder, text: str, frame: Frame, space: CoordinateSpace, offset: int
) -> None:
    """Add the words and the boxes of HTML; `offset` is where the text begins in the output."""
    last = text.rfind("<")
    if last >= 0 and _PARTIAL_TAG.fullmatch(text, last):
        text = text[:last]
    at, opened = 0, ""
    box: tuple[Span, str] | None = None  # of the element whose words come next
    for tag in _TAG.finditer(text):
        _add_element(builder, text[at : tag.start()], box, opened, frame, space, offset)
        at, box, opened = tag.end(), None, ""
        if tag["comment"]:
            box, opened = (tag.span("comment"), tag["comment"]), tag["name"].strip() or "?"
            _add_element(builder, "", box, opened, frame, space, offset)
            box = None
        elif written := _BOX.search(tag[0]):
            start = tag.start() + written.start("box")
            box = (start, start + len(written["box"])), written["box"]
    _add_element(builder, text[at:], box, "", frame, space, offset)


def _add_element(
    builder: ParsedOutputBuilder,
    words: str,
    box: tuple[Span, str] | None,
    phrase: str,
    frame: Frame,
    space: CoordinateSpace,
    offset: int,
) -> None:
    """Add the words of an element, and its box."""
    span = builder.add_text(words)
    if box is None:
        return
    builder.has_markup = True
    (start, end), written = box
    numbers = parse_numbers([item for item in _SEPARATOR.split(written) if item])
    if numbers and len(numbers) == 4:
        place = (start + offset, end + offset)
        region = builder.add_parsed_place(place, numbers, space.to_box(numbers, frame))
        builder.add_mention([region], span=span, phrase=phrase.strip("?"))
    else:
        builder.is_damaged = True
