"""Points as tags, `<points x1="1" y1="2" alt="..">phrase</points>`.

A cookbook of Qwen2.5-VL asks for them: cookbooks/spatial_understanding.ipynb of
https://github.com/QwenLM/Qwen3-VL (`decode_xml_points`). The numbers are in the coordinate space
of the family's JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.parsed_output import ParsedOutputBuilder, parse_number
from vlm_demo.values import Frame

_TAG = re.compile(
    r"(?:```\w*\s*)?<(points?)\b([^<>]*)>(?:([^<>]*)</\1\s*>)?(?:\s*```)?", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"([A-Za-z_]\w*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'/]+))")
_PARTIAL_TAG = re.compile(r"</?(?:p[a-z]{0,5}|points?\b[^<>]*)?", re.IGNORECASE)
_X = re.compile(r"x([0-9]*)")


def add_text_and_points(
    builder: ParsedOutputBuilder,
    text: str,
    frame: Frame,
    space: CoordinateSpace,
    offset: int,
    add_words: Callable[[str, int], object] | None = None,
) -> None:
    """Add words, and the points in the tags among them; the tags are left out.

    `offset` is where the text begins in the output. `add_words` adds words, given where they begin
    in the output; None: they go to the builder as they are.
    """
    add_words = add_words or (lambda words, _: builder.add_text(words))
    at = 0
    for tag in _TAG.finditer(text):
        add_words(text[at : tag.start()], offset + at)
        at = tag.end()
        builder.has_markup = True
        found = _ATTRIBUTE.findall(tag[2])
        values = {name.lower(): double or single or bare for name, double, single, bare in found}
        phrase = builder.add_text(tag[3] or "")
        span = (offset + tag.start(2), offset + tag.end(2))
        regions = [
            builder.add_parsed_place(span, pair, space.to_point(pair, frame))
            for pair in _pairs(values)
        ]
        builder.add_mention(regions, span=phrase, phrase=values.get("alt", "").strip())
    add_words(text[at:], offset + at)


def strip_partial_point_tag(text: str) -> str:
    """Remove a tag at the end that is not closed yet."""
    at = text.rfind("<")
    return text[:at] if at >= 0 and _PARTIAL_TAG.fullmatch(text, at) else text


def _pairs(values: Mapping[str, str]) -> Iterator[tuple[float, float]]:
    """Yield x and y, x1 and y1, and so on; a pair that is not two numbers is skipped."""
    for name, value in values.items():
        if match := _X.fullmatch(name):
            x, y = parse_number(value), parse_number(values.get(f"y{match[1]}", ""))
            if x is not None and y is not None:
                yield x, y
