"""Phrases as other programs take them: without what breaks a format, and safe as file names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from vlm_demo.values import Box, Mention, Point, Polygon

DECIMALS = 4
"""Of a coordinate in pixels; hides the noise of binary fractions."""

UNNAMED = "object"
"""The class of a place without a phrase."""

LONGEST_STEM = 60
"""Characters of a file's name before its ending ..."""

LONGEST_STEM_BYTES = 180
"""... and its bytes in UTF-8: most file systems take 255, ending and folder signs included."""

# What XML 1.0 cannot hold, and no label should: control characters and lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")

# https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def printable(text: str) -> str:
    """Return the text on one line, without control characters."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def class_name(phrase: str) -> str:
    """Return the phrase as the name of a class."""
    return printable(phrase) or UNNAMED


def classes(mentions: Iterable[Mention]) -> tuple[str, ...]:
    """Return the class names; YOLO writes the place of each in this order, from 0."""
    return tuple(dict.fromkeys(class_name(mention.phrase) for mention in mentions))


def areas(mentions: Iterable[Mention]) -> Iterator[tuple[str, Box | Polygon]]:
    """Yield each box and polygon with its class, in order."""
    for mention in mentions:
        for region in mention.regions:
            if not isinstance(region, Point):
                yield class_name(mention.phrase), region


def px(numbers: Sequence[float]) -> list[float]:
    """Round coordinates in pixels."""
    return [round(float(number), DECIMALS) for number in numbers]


def stem(text: str) -> str:
    """Return the text as a file's name without its ending, on every file system."""
    plain = unicodedata.normalize("NFC", _NOT_IN_NAMES.sub(" ", printable(text)))
    plain = " ".join(plain.split())[:LONGEST_STEM]
    plain = plain.encode()[:LONGEST_STEM_BYTES].decode(errors="ignore").strip(" .")
    return f"_{plain}" if _RESERVED.match(plain) else plain or UNNAMED


def unique(name: str, taken: set[str]) -> str:
    """Return a stem that is not `taken`, and take it; case does not count, as on Windows."""
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found.casefold())
    return found
