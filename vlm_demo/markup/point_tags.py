"""Points as tags, `<points x1="1" y1="2" alt="..">phrase</points>`, as a Qwen2.5-VL cookbook asks.

Source: cookbooks/spatial_understanding.ipynb of https://github.com/QwenLM/Qwen3-VL
(`decode_xml_points`). The numbers count what those of the family's JSON count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vlm_demo.markup.base import ReadingBuilder, number
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.values import Frame

_TAG = re.compile(
    r"(?:```\w*\s*)?<(points?)\b([^<>]*)>(?:([^<>]*)</\1\s*>)?(?:\s*```)?", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"([A-Za-z_]\w*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'/]+))")
_HALF_WRITTEN = re.compile(r"</?(?:p[a-z]{0,5}|points?\b[^<>]*)?", re.IGNORECASE)
_X = re.compile(r"x([0-9]*)")


def add_words_and_points(
    builder: ReadingBuilder, text: str, frame: Frame, space: CoordinateSpace, offset: int
) -> None:
    """Add words, and the points in the tags among them, to a reading; the tags are left out."""
    at = 0
    for tag in _TAG.finditer(text):
        builder.add_text(text[at : tag.start()])
        at = tag.end()
        builder.has_markup = True
        found = _ATTRIBUTE.findall(tag[2])
        values = {name.lower(): double or single or bare for name, double, single, bare in found}
        phrase = builder.add_text(tag[3] or "")
        span = (offset + tag.start(2), offset + tag.end(2))
        regions = [
            builder.add_parsed_place(span, pair, space.point(pair, frame))
            for pair in _pairs(values)
        ]
        builder.add_mention(regions, span=phrase, phrase=values.get("alt", "").strip())
    builder.add_text(text[at:])


def without_half_tag(text: str) -> str:
    """Return output without a tag at its end that is not closed yet."""
    at = text.rfind("<")
    return text[:at] if at >= 0 and _HALF_WRITTEN.fullmatch(text, at) else text


def _pairs(values: Mapping[str, str]) -> Iterator[tuple[float, float]]:
    """Yield x and y, x1 and y1, and so on; a pair that is not two numbers is skipped."""
    for name, value in values.items():
        if match := _X.fullmatch(name):
            x, y = number(value), number(values.get(f"y{match[1]}", ""))
            if x is not None and y is not None:
                yield x, y
