"""Numbers in every coordinate space, to regions of the user's image and back."""

import pytest

from vlm_demo.markup.coordinate_spaces import BINS, N999, PIXELS, SPACES, SQUARE, with_y_first
from vlm_demo.values import Box, Frame, Point, Polygon

FRAME = Frame((640, 480), (448, 336))
BOX = Box(0.1, 0.2, 0.3, 0.4)


@pytest.mark.parametrize("name", SPACES)
def test_reading_numbers_undoes_writing_them(name: str) -> None:
    space = SPACES[name]
    box = space.to_box(space.to_numbers(BOX, FRAME), FRAME)
    assert box.to_pixels((1, 1)) == pytest.approx(BOX.to_pixels((1, 1)))
    point = space.to_point(space.to_numbers(Point(0.25, 0.75), FRAME), FRAME)
    assert (point.x, point.y) == pytest.approx((0.25, 0.75))
    corners = Polygon((Point(0, 0), Point(0.5, 0), Point(1, 1)))
    polygon = space.to_polygon(space.to_numbers(corners, FRAME), FRAME)
    assert [v for p in polygon.points for v in (p.x, p.y)] == pytest.approx([0, 0, 0.5, 0, 1, 1])


@pytest.mark.parametrize("name", [name for name in SPACES if "xyxy" in name])
def test_any_space_can_have_y_first(name: str) -> None:
    space = SPACES[name]
    swapped = with_y_first(space)
    assert str(SPACES[swapped.name].title) == f"{space.title}, y before x"
    x1, y1, x2, y2 = space.to_numbers(BOX, FRAME)
    assert swapped.to_numbers(BOX, FRAME) == (y1, x1, y2, x2)


def test_what_the_numbers_count() -> None:
    assert N999.to_numbers(Box(0, 0.5, 1, 1), FRAME) == (0, 499.5, 999, 999)
    assert PIXELS.to_numbers(Point(0.5, 0.5), FRAME) == (320, 240)
    assert BINS.to_point((499.5, 999), FRAME) == Point(0.5, 0.9995)
    # the square is 640 pixels wide, and the image begins 80 pixels below its upper edge
    assert SQUARE.to_numbers(Box(0, 0, 1, 1), FRAME) == pytest.approx((0, 0.125, 1, 0.875))
