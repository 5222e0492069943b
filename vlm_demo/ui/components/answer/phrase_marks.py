"""Marks around phrases in HTML that was made of Markdown.

Where a phrase begins and ends, characters that stand for nothing in any text (Unicode's
noncharacters) go through the Markdown parser like letters. In the HTML they become marks, which end
before each tag and go on behind it: so a phrase may run across emphasis, links and table cells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_START, _END = "\ufdd0", "\ufdd1"
_DIGITS = "".join(chr(0xFDE0 + digit) for digit in range(16))
_SIGN = re.compile(f"[{_START}{_END}][{_DIGITS}]*")
_PIECE = re.compile(rf"(?P<tag><[^>]*>)|(?P<sign>[{_START}{_END}][{_DIGITS}]*)|[^<{_START}{_END}]+")
_UNUSABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_SYNTAX = " \t*_~`[]()#>|!-+"
"""Characters of Markdown that a mark may not come between."""


@dataclass(frozen=True, slots=True)
class PhraseMark:
    """Where a phrase stands in a text, and the tag that begins its mark."""

    start: int
    end: int
    index: int  # of the mention
    tag: str  # <mark ...>
    more_tag: str  # that goes on with it behind another tag


def clean_text(text: str) -> str:
    """Return a text of the same length without characters that mean nothing, or cannot be sent."""
    return _UNUSABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", " \n")).replace(
        "\r", "\n"
    )


def trim_mark(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a phrase's place without the spaces and signs of Markdown at its ends."""
    while start < end and (text[start] in _SYNTAX or text[start].isspace()):
        start += 1
    while end > start and (text[end - 1] in _SYNTAX or text[end - 1].isspace()):
        end -= 1
    return start, end


def insert_signs(text: str, marks: Sequence[PhraseMark], offset: int) -> str:
    """Put signs into a part of a text, where phrases begin and end.

    Args:
        text: the part.
        marks: phrases within it, in order, none within another.
        offset: where the part begins.
    """
    parts, position = [], 0
    for mark in marks:
        first, last = mark.start - offset, mark.end - offset
        parts += [text[position:first], _START + _write_number(mark.index), text[first:last], _END]
        position = last
    return "".join((*parts, text[position:]))


def remove_signs(text: str) -> str:
    """Return a text without signs."""
    return _SIGN.sub("", text)


def replace_signs(written: str, marks: Sequence[PhraseMark]) -> tuple[str, set[int]]:
    """Turn the signs in HTML into marks; also return which mentions have one now."""
    by_index = {mark.index: mark for mark in marks}
    parts: list[str] = []
    current: PhraseMark | None = None
    marked: set[int] = set()
    in_link = False
    for piece in _PIECE.finditer(written):
        if piece["tag"]:
            in_link = piece[0].startswith("<a ") or (in_link and piece[0] != "</a>")
            parts.append(remove_signs(piece[0]))
        elif sign := piece["sign"]:
            is_start = sign[0] == _START
            current = by_index.get(_read_number(sign[1:])) if is_start else None
        elif current and piece[0].strip():
            is_more = in_link or current.index in marked  # one control in another is none
            tag = current.more_tag if is_more else current.tag
            marked.add(current.index)
            parts += [tag, piece[0], "</mark>"]
        else:
            parts.append(piece[0])
    return "".join(parts), marked


def _write_number(number: int) -> str:
    return "".join(_DIGITS[int(digit, 16)] for digit in f"{number:x}")


def _read_number(signs: str) -> int:
    return int("".join(f"{_DIGITS.index(sign):x}" for sign in signs) or "0", 16)
