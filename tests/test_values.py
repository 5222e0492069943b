import math

import pytest

from vlm_demo.values import Box, Point, Polygon


def test_corners_are_sorted_and_clipped() -> None:
    assert Box.normalize(30, 120, -5, 20, by=(20, 100)) == Box(0.0, 0.2, 1.0, 1.0)
    assert Point.normalize(-1, 300, by=(10, 200)) == Point(0.0, 1.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_never_reach_a_picture(value: float) -> None:
    box = Box.normalize(value, 0, 5, value, by=(10, 10))
    assert all(0 <= side <= 1 for side in (box.x1, box.y1, box.x2, box.y2))


def test_fractions_become_pixels_in_the_order_x_y() -> None:
    assert Box(0.1, 0.2, 0.5, 1.0).to_pixels((200, 50)) == (20, 10, 100, 50)
    assert Point(0.5, 0.2).to_pixels((200, 50)) == (100, 10)
    triangle = Polygon((Point(0, 0), Point(1, 0), Point(0.5, 1)))
    assert triangle.to_pixels((10, 20)) == ((0, 0), (10, 0), (5, 20))


def test_overlap_of_boxes() -> None:
    half = Box(0, 0, 0.5, 1)
    assert half.iou(half) == 1
    assert half.iou(Box(0, 0, 1, 1)) == pytest.approx(0.5)
    assert half.iou(Box(0.25, 0, 0.75, 1)) == pytest.approx(1 / 3)
    assert half.iou(Box(0.5, 0, 1, 1)) == 0
    assert Box(0.2, 0.2, 0.2, 0.2).iou(Box(0.2, 0.2, 0.2, 0.2)) == 0
