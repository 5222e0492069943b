"""Regions drawn into a picture."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageFont

from vlm_demo.rendering.drawing import draw_mentions
from vlm_demo.rendering.fonts import FONT
from vlm_demo.rendering.label_layout import place_labels
from vlm_demo.rendering.palette import COLOURS, INK, colour_of, dash_of
from vlm_demo.values import Box, Mention, Point, Polygon, Region

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
    drawn = draw_mentions(white, [mention("x", Box(0.2, 0.2, 0.8, 0.8))])
    assert drawn is not white
    assert drawn.size == white.size
    assert white.getcolors() == [(80 * 60, (255, 255, 255))]


def test_without_places_nothing_is_drawn() -> None:
    white = Image.new("RGB", (80, 60), "white")
    assert draw_mentions(white, [mention("x")]).getcolors() == white.getcolors()


def test_a_box_is_drawn_where_it_is() -> None:
    drawn = draw_mentions(
        Image.new("RGB", (800, 600), "white"), [mention("", Box(0.25, 0.5, 0.75, 0.9))]
    )
    rows, columns = np.nonzero(drawn_in(drawn, colour_of(0)))
    assert (columns.min(), columns.max()) == pytest.approx((200, 600), abs=4)
    assert (rows.min(), rows.max()) == pytest.approx((300, 540), abs=4)


def test_each_mention_has_its_colour_and_its_places_share_it() -> None:
    left, right = Box(0.05, 0.4, 0.25, 0.8), Box(0.7, 0.4, 0.95, 0.8)
    middle = Box(0.4, 0.4, 0.6, 0.8)
    drawn = draw_mentions(
        Image.new("RGB", (800, 600), "white"), [mention("", left, right), mention("", middle)]
    )
    first = np.nonzero(drawn_in(drawn, colour_of(0)))[1]
    second = np.nonzero(drawn_in(drawn, colour_of(1)))[1]
    assert first.min() < 60
    assert first.max() > 700
    assert 300 < second.min() < second.max() < 500


def test_points_and_polygons_are_drawn_too() -> None:
    triangle = Polygon((Point(0.6, 0.1), Point(0.9, 0.1), Point(0.75, 0.4)))
    drawn = draw_mentions(
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
    bare = drawn_in(draw_mentions(white, [mention("", box)]), colour_of(0)).sum()
    labelled = drawn_in(draw_mentions(white, [mention(phrase, box)]), colour_of(0)).sum()
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
    assert draw_mentions(Image.new("RGB", size, "white"), [mention("thing", *regions)]).size == size


def linear(colour: str) -> np.ndarray:
    """Linear red, green and blue of a colour of sRGB, 0 to 1."""
    values = np.array(rgb(colour)) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def test_dark_letters_fit_on_every_colour() -> None:
    def luminance(colour: str) -> float:
        return float(linear(colour) @ [0.2126, 0.7152, 0.0722])

    for colour in COLOURS:  # WCAG 2.2, 1.4.3
        assert (luminance(colour) + 0.05) / (luminance(INK) + 0.05) >= 4.5, colour


# How linear colours are seen without one kind of cone: Machado, Oliveira and Fernandes 2009,
# https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html
WITHOUT = {
    "none": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    "red": [0.1523, 1.0526, -0.2049, 0.1145, 0.7863, 0.0992, -0.0039, -0.0481, 1.0520],
    "green": [0.3673, 0.8606, -0.2280, 0.2801, 0.6725, 0.0474, -0.0118, 0.0429, 0.9689],
    "blue": [1.2555, -0.0767, -0.1788, -0.0784, 0.9308, 0.1476, 0.0047, 0.6914, 0.3039],
}


@pytest.mark.parametrize("cone", WITHOUT)
def test_colours_are_told_apart_with_any_colour_vision(cone: str) -> None:
    def lab(colour: str) -> np.ndarray:
        seen = np.clip(np.reshape(WITHOUT[cone], (3, 3)) @ linear(colour), 0, 1)
        to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
        x, y, z = (
            np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116
            for v in np.array(to_xyz) @ seen / [0.9505, 1, 1.089]
        )
        return np.array([116 * y, 500 * (x - y), 200 * (y - z)])

    nearest = min(np.linalg.norm(lab(a) - lab(b)) for a, b in combinations(COLOURS, 2))
    assert nearest > 15  # the difference of CIE 1976, where 2.3 is just seen


def test_colours_and_dashes_come_round_at_their_own_pace() -> None:
    assert len(set(COLOURS)) == len(COLOURS)
    assert colour_of(len(COLOURS)) == colour_of(0)
    assert len({(colour_of(index), dash_of(index)) for index in range(32)}) == 32


def test_the_ninth_mention_has_dashes() -> None:
    box = Box(0.25, 0.25, 0.75, 0.75)
    white = Image.new("RGB", (800, 800), "white")
    solid = drawn_in(draw_mentions(white, [mention("", box)]), colour_of(0)).sum()
    dashed = drawn_in(
        draw_mentions(white, [mention("")] * 8 + [mention("", box)]), colour_of(8)
    ).sum()
    assert 0.5 < dashed / solid < 0.8


def test_labels_keep_apart_and_many_of_them_are_numbers() -> None:
    boxes = [(x, y, x + 40.0, y + 30.0) for y in range(0, 560, 60) for x in range(0, 760, 90)]
    words, numbers = [(120.0, 20.0)] * len(boxes), [(24.0, 20.0)] * len(boxes)
    placed = place_labels(boxes, words, numbers, (800, 600))
    for index, (a, _) in enumerate(placed):
        assert a[0] >= 0
        assert a[2] <= 800
        for b, _ in placed[:index]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    written = sum(in_words for _, in_words in placed)
    assert 10 < written < len(boxes)
