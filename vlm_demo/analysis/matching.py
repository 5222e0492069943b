"""Matching: which regions of two lists are the same thing, and which phrases.

Regions are matched greedily, those that overlap most first, as COCO and Pascal VOC do (though they
go by confidence, which not every model gives). An optimal assignment may give up the best pair for
a better sum, which nobody expects who looks at the picture; a hit by the greedy matching is a hit
by the optimal one as well, unless regions of one side cover each other by more than a third.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from vlm_demo.values import Point, Region, bounding_box

POINT_TOLERANCE = 0.05
"""Distance, as a share of the picture's sides, up to which two points are the same."""

_ARTICLE = re.compile(r"^(?:an image of\s+)?(?:an?|the|some)\s+", re.IGNORECASE)

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Match:
    """Two things that overlap, by their indices in their lists."""

    first: int
    second: int
    overlap: float  # above 0, up to 1


def rank_pairs(
    first: Sequence[A], second: Sequence[B], overlap: Callable[[A, B], float]
) -> list[Match]:
    """Return every pair that overlaps, the best first; of equals, by their order in the lists."""
    pairs = (
        Match(i, j, value)
        for i, one in enumerate(first)
        for j, other in enumerate(second)
        if (value := overlap(one, other)) > 0
    )
    return sorted(pairs, key=lambda pair: (-pair.overlap, pair.first, pair.second))


def match_greedily(
    first: Sequence[A], second: Sequence[B], overlap: Callable[[A, B], float]
) -> list[Match]:
    """Match each of `first` with at most one of `second`, the best overlaps first.

    Args:
        first: what is matched, such as the right regions.
        second: what it is matched with, such as the regions of an answer.
        overlap: how well two of them fit, 0 to 1; 0: they must not be matched.
    """
    matches: list[Match] = []
    used_first: set[int] = set()
    used_second: set[int] = set()
    for pair in rank_pairs(first, second, overlap):
        if pair.first not in used_first and pair.second not in used_second:
            matches.append(pair)
            used_first.add(pair.first)
            used_second.add(pair.second)
    return matches


def overlap(one: Region, other: Region) -> float:
    """Intersection over union of the boxes around two regions, 0 to 1.

    A point has no area: it overlaps (1) with a point near it, and with a box that it lies in.
    """
    match one, other:
        case Point(), Point():
            near_x = abs(one.x - other.x) <= POINT_TOLERANCE
            return float(near_x and abs(one.y - other.y) <= POINT_TOLERANCE)
        case Point(), _:
            return float(_contains(other, one))
        case _, Point():
            return float(_contains(one, other))
    return bounding_box(one).iou(bounding_box(other))


def normalize_phrase(phrase: str) -> str:
    """Return a phrase without its article, in lower case: as models agree on it."""
    return _ARTICLE.sub("", phrase.strip()).casefold()


def _contains(region: Region, point: Point) -> bool:
    box = bounding_box(region)
    return box.x1 <= point.x <= box.x2 and box.y1 <= point.y <= box.y2
