"""What a family writes as regions it reads back, for any boxes and any size of image."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.families import WITH_MARKUP, each

from vlm_demo.prompting.family import Family
from vlm_demo.values import Box, Frame, Point, Polygon, Region, Size, bounding_box

DISTINCT = list({id(family.markup): family for family in reversed(WITH_MARKUP)}.values())[::-1]
"""One family for each markup: relatives share theirs."""

POINTING_ONLY = {"molmo", "molmo2"}
"""Families that can only point: of a box they keep the centre."""

QUADRILATERALS_ONLY = {"paddleocr_vl"}
"""Families that write a box as its four corners, which are read as a polygon."""

SMALL_NUMBERS_ARE_FRACTIONS = {"internvl"}
"""Families that take four numbers for fractions where they add up to less than 4."""

_NOT_FOUND = re.compile(r"\[0, 0, 0, 0\]")
"""What readers of JSON take for "not found", and small pictures make of small boxes."""

_DECIMALS = re.compile(r"[0-9]\.([0-9]+)")

fractions = st.floats(0, 1)
sizes = st.tuples(st.integers(1, 4000), st.integers(1, 4000))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    return Box.normalize(
        draw(fractions), draw(fractions), draw(fractions), draw(fractions), by=(1, 1)
    )


def centre(box: Box) -> Point:
    return Point((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)


def allowed_error(family: Family, written: str, frame: Frame) -> tuple[float, float]:
    """How many pixels (x, y) writing may move a corner: a unit of its last digit, and a pixel."""
    assert family.markup
    decimals = _DECIMALS.search(written)
    unit = 0.1 ** len(decimals[1]) if decimals else 1.0
    space, (width, height) = family.markup.space, frame.original
    sides = (max(width, height),) * 2 if space.padded else (width, height)
    extent = space.extent(frame)
    return tuple(1.01 * unit * side / end + 1 for side, end in zip(sides, extent, strict=True))


def coordinates(region: Region, size: Size) -> tuple[float, ...]:
    assert isinstance(region, Box | Point)
    return region.to_pixels(size)


@each(DISTINCT)
@settings(max_examples=20, deadline=None)
@given(places=st.lists(boxes(), min_size=1, max_size=4), size=sizes)
def test_reading_undoes_writing(family: Family, places: list[Box], size: Size) -> None:
    assert family.markup
    assume(is_unambiguous(family, places))
    frame = Frame(size, size)
    written = family.markup.write_regions(places, frame)
    assume(not _NOT_FOUND.search(written))
    output = family.markup.read_output(written, frame)
    twins = [region for mention in output.mentions for region in mention.regions]
    assert len(twins) == len(places)
    allowed = allowed_error(family, written, frame)
    for place, twin in zip(places, twins, strict=True):
        expected = centre(place) if family.name in POINTING_ONLY else place
        if family.name in QUADRILATERALS_ONLY:
            assert isinstance(twin, Polygon)
            twin = bounding_box(twin)
        assert type(twin) is type(expected)
        pairs = zip(coordinates(twin, size), coordinates(expected, size), strict=True)
        for axis, (value, wanted) in enumerate(pairs):
            assert value == pytest.approx(wanted, abs=allowed[axis % 2])


@each(DISTINCT)
@settings(max_examples=20, deadline=None)
@given(places=st.lists(boxes(), min_size=1, max_size=3), size=sizes)
def test_writing_what_was_read_changes_nothing_more(
    family: Family, places: list[Box], size: Size
) -> None:
    assert family.markup
    assume(is_unambiguous(family, places))
    frame = Frame((max(size), max(size)), (1, 1))
    written = family.markup.write_regions(places, frame)
    assume(not _NOT_FOUND.search(written))
    regions = [r for m in family.markup.read_output(written, frame).mentions for r in m.regions]
    assert family.markup.write_regions(regions, frame) == written


def is_unambiguous(family: Family, places: list[Box]) -> bool:
    """Whether what is written for these boxes means them, and not fractions or "not found"."""
    if any(max(box.x2, box.y2) < 0.01 for box in places):
        return False
    return family.name not in SMALL_NUMBERS_ARE_FRACTIONS or all(
        box.x1 + box.y1 + box.x2 + box.y2 > 0.01 for box in places
    )


def test_points_are_written_as_boxes_without_size() -> None:
    frame = Frame((100, 100), (100, 100))
    for family in WITH_MARKUP:
        assert family.markup
        (mention,) = family.markup.read_output(
            family.markup.write_regions([Point(0.5, 0.5)], frame), frame
        ).mentions
        (place,) = mention.regions
        assert bounding_box(place).area < 0.002
