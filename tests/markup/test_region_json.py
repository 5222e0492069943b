"""Regions as JSON: what is written is read, and what is no region is refused in one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vlm_demo.errors import describe_validation_error
from vlm_demo.markup.region_json import (
    RegionsInPixelsModel,
    read_marked_regions,
    region_to_json,
    regions_to_px,
)
from vlm_demo.values import MAX_REGIONS, Box, Point, Polygon, Region

FRACTIONS = st.floats(0, 1)
POINTS = st.builds(Point, FRACTIONS, FRACTIONS)
REGIONS = st.one_of(
    st.tuples(*[FRACTIONS] * 4).map(lambda edges: Box.normalize(*edges, by=(1, 1))),
    POINTS,
    st.lists(POINTS, min_size=3, max_size=6).map(lambda corners: Polygon(tuple(corners))),
)
TRIANGLE = Polygon((Point(0, 0), Point(1, 0), Point(0, 1)))


@given(st.lists(REGIONS, max_size=5))
def test_regions_come_back_as_they_were(regions: list[Region]) -> None:
    written = json.loads(json.dumps([region_to_json(region) for region in regions]))
    assert read_marked_regions(written) == tuple(regions)


def test_an_edge_that_rounding_moved_out_of_the_picture_is_clipped() -> None:
    (box,) = read_marked_regions([{"box": [-1e-9, 0, 1 + 1e-9, 1]}])
    assert box == Box(0, 0, 1, 1)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x", "it should be a valid list"),
        ([{"box": [0, 0, 1]}], "[0].box[3] is missing"),
        ([{"box": [0, 0, 1, "1"]}], "[0].box[3] should be a valid number"),
        ([{"box": [0, 0, True, 1]}], "[0].box[2] should be a valid number"),
        ([{"box": [0, 0, float("nan"), 1]}], "[0].box[2] should be a finite number"),
        ([{"box": [0, 0, 1.1, 1]}], "[0].box[2]: this lies outside the picture"),
        ([{"box": [1, 0, 0, 1]}], "[0].box: the corners of a box are in the wrong order"),
        ([{"point": [0.5, 0.5]}, {"circle": 3}], "[1] should be a box, a point or a polygon"),
        ([{"point": [0, 0], "box": [0, 0, 1, 1]}], "[0].point.box: Extra inputs"),
        ([{"polygon": [[0, 0], [1, 1]]}], "[0].polygon: List should have at least 3"),
        ([{"point": [0, 0]}] * (MAX_REGIONS + 1), f"List should have at most {MAX_REGIONS}"),
    ],
)
def test_what_is_no_region_is_refused_in_one_line(value: object, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read_marked_regions(value)
    words = describe_validation_error(caught.value)
    assert words.removeprefix(".").startswith(problem)
    assert "\n" not in words


def test_regions_in_pixels_come_back_by_kind() -> None:
    regions = (Point(0.25, 0.5), Box(0.1, 0.2, 0.5, 1), TRIANGLE)
    written = regions_to_px(regions, (400, 200))
    assert written == {
        "boxes_xyxy_px": [[40.0, 40.0, 200.0, 200.0]],
        "points_px": [[100.0, 100.0]],
        "polygons_px": [[[0.0, 0.0], [400.0, 0.0], [0.0, 200.0]]],
    }
    back = RegionsInPixelsModel.model_validate(written).to_regions((400, 200))
    assert back == (regions[1], regions[0], regions[2])


def test_pixels_beyond_the_picture_are_clipped_and_lists_may_be_missing() -> None:
    model = RegionsInPixelsModel.model_validate({"boxes_xyxy_px": [[-5, 0, 900, 50]]})
    assert model.to_regions((400, 200)) == (Box(0, 0, 1, 0.25),)
