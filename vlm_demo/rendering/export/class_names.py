"""Phrases, or what was looked for, as names of classes, without what would break a format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from vlm_demo.values import Box, Mention, Point, Polygon, bounding_box

UNNAMED_CLASS = "object"
"""The class of a region without a phrase."""

# What XML 1.0 cannot hold, and no label should: control characters and lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")


def to_printable(text: str) -> str:
    """Return the text on one line, without control characters."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def class_name(phrase: str) -> str:
    """Return the phrase as the name of a class."""
    return to_printable(phrase) or UNNAMED_CLASS


def class_names(mentions: Iterable[Mention]) -> tuple[str, ...]:
    """Return the class of each mention once; their order gives YOLO's class numbers, from 0."""
    return tuple(dict.fromkeys(map(_class_of, mentions)))


def class_areas(
    mentions: Iterable[Mention], *, with_empty: bool = False
) -> Iterator[tuple[str, Box | Polygon]]:
    """Yield each box and polygon with its class, in order.

    Those without an area are left out, because programs that train on them refuse such data;
    `with_empty` keeps them, for a format that writes whole pixels.
    """
    for mention in mentions:
        for region in mention.regions:
            if isinstance(region, Point):
                continue
            if with_empty or bounding_box(region).area > 0:
                yield _class_of(mention), region


def _class_of(mention: Mention) -> str:
    """Return the class of a mention: of several things that were looked for, the one that it is."""
    return class_name(mention.target or mention.phrase)
