"""Matching regions of two lists, and phrases."""

from __future__ import annotations

import pytest

from vlm_demo.analysis.matching import Match, match_greedily, normalize_phrase, overlap
from vlm_demo.values import Box, Point, Polygon, Region

LEFT, RIGHT = Box(0.1, 0.1, 0.3, 0.5), Box(0.6, 0.1, 0.9, 0.5)


def shifted(box: Box, by: float) -> Box:
    return Box(box.x1 + by, box.y1, box.x2 + by, box.y2)


def test_the_best_pairs_are_matched_first_and_each_region_once() -> None:
    first, second = [LEFT, RIGHT], [shifted(LEFT, 0.05), LEFT, shifted(RIGHT, 0.1)]
    assert match_greedily(first, second, overlap) == [
        Match(0, 1, 1.0),
        Match(1, 2, pytest.approx(0.5)),
    ]


def test_regions_that_do_not_overlap_are_not_matched() -> None:
    assert match_greedily([LEFT], [RIGHT], overlap) == []
    assert match_greedily([], [RIGHT], overlap) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (LEFT, LEFT, 1),
        (Point(0.2, 0.2), LEFT, 1),
        (LEFT, Point(0.4, 0.2), 0),
        (Point(0.2, 0.2), Point(0.22, 0.22), 1),
        (Point(0.2, 0.2), Point(0.3, 0.2), 0),
        (Polygon((Point(0.1, 0.1), Point(0.3, 0.1), Point(0.2, 0.5))), LEFT, 1),
    ],
)
def test_points_overlap_with_what_they_hit(one: Region, other: Region, expected: float) -> None:
    assert overlap(one, other) == pytest.approx(expected)


@pytest.mark.parametrize(
    "phrase", ["A red Dog", "the red dog", "an image of a red dog", " some red dog"]
)
def test_phrases_are_compared_without_their_articles(phrase: str) -> None:
    assert normalize_phrase(phrase) == "red dog"
