"""Regions drawn into a picture."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from vlm_demo.drawing import FONT, draw
from vlm_demo.palette import COLOURS, colour_of
from vlm_demo.types import Box, Mention, Point, Polygon, Region

WHOLE = Box(0, 0, 1, 1)


def mention(phrase: str, *regions: Region) -> Mention:
    return Mention(phrase, (0, 0), regions)


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def drawn_in(image: Image.Image, colour: str) -> np.ndarray:
    """Where the picture has the colour, as a mask."""
    return (np.asarray(image) == rgb(colour)).all(axis=2)


def test_the_picture_itself_is_left_alone() -> None:
    white = Image.new("RGB", (80, 60), "white")
    drawn = draw(white, [mention("x", Box(0.2, 0.2, 0.8, 0.8))])
    assert drawn is not white
    assert drawn.size == white.size
    assert white.getcolors() == [(80 * 60, (255, 255, 255))]


def test_without_places_nothing_is_drawn() -> None:
    white = Image.new("RGB", (80, 60), "white")
    assert draw(white, [mention("x")]).getcolors() == white.getcolors()


def test_a_box_is_drawn_where_it_is() -> None:
    drawn = draw(Image.new("RGB", (800, 600), "white"), [mention("", Box(0.25, 0.5, 0.75, 0.9))])
    rows, columns = np.nonzero(drawn_in(drawn, colour_of(0)))
    assert (columns.min(), columns.max()) == pytest.approx((200, 600), abs=4)
    assert (rows.min(), rows.max()) == pytest.approx((300, 540), abs=4)


def test_each_mention_has_its_colour_and_its_places_share_it() -> None:
    left, right = Box(0.05, 0.4, 0.25, 0.8), Box(0.7, 0.4, 0.95, 0.8)
    middle = Box(0.4, 0.4, 0.6, 0.8)
    drawn = draw(
        Image.new("RGB", (800, 600), "white"), [mention("", left, right), mention("", middle)]
    )
    first = np.nonzero(drawn_in(drawn, colour_of(0)))[1]
    second = np.nonzero(drawn_in(drawn, colour_of(1)))[1]
    assert first.min() < 60
    assert first.max() > 700
    assert 300 < second.min() < second.max() < 500


def test_points_and_polygons_are_drawn_too() -> None:
    triangle = Polygon((Point(0.6, 0.1), Point(0.9, 0.1), Point(0.75, 0.4)))
    drawn = draw(
        Image.new("RGB", (400, 400), "white"), [mention("", Point(0.2, 0.8)), mention("", triangle)]
    )
    assert drawn_in(drawn, colour_of(0))[320, 80]
    assert drawn_in(drawn, colour_of(1))[40, 300]


@pytest.mark.parametrize(
    "phrase", ["a red circle", "赤い丸", "café à Łódź", "“x” <y> & 'z'", "w" * 300]
)
def test_labels_of_any_script_are_written(phrase: str) -> None:
    white = Image.new("RGB", (400, 300), "white")
    box = Box(0.2, 0.5, 0.8, 0.9)
    bare = drawn_in(draw(white, [mention("", box)]), colour_of(0)).sum()
    labelled = drawn_in(draw(white, [mention(phrase, box)]), colour_of(0)).sum()
    assert labelled > bare + 200  # the ground that the label stands on


def test_the_font_that_ships_draws_accents_and_japanese() -> None:
    font = ImageFont.truetype(str(FONT), 24)
    unknown = bytes(font.getmask("\uffff"))
    for letter in "aZ9éüñøßçłőřžư、。あアー赤い丸猫犬鳥車象駅“”…":
        assert bytes(font.getmask(letter)) != unknown, letter
    assert FONT.with_name("OFL.txt").is_file()


@pytest.mark.parametrize("size", [(1, 1), (10_000, 50), (50, 3_000), (7, 5)])
def test_pictures_of_any_shape_are_drawn_on(size: tuple[int, int]) -> None:
    regions = (WHOLE, Box(0, 0, 0, 0), Point(1, 1))
    assert draw(Image.new("RGB", size, "white"), [mention("thing", *regions)]).size == size


def test_colours_differ_and_come_round_again() -> None:
    assert len(set(COLOURS)) == len(COLOURS)
    assert colour_of(len(COLOURS)) == colour_of(0)
