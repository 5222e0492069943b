"""Masks as polygons with holes, and back to the same pixels."""

import numpy as np
import pycocotools.mask as coco_mask
import pytest

from vlm_demo.masks import (
    draw_mask,
    join_rings,
    mask_iou,
    outline_area,
    run_lengths,
    split_holes,
    trace_mask,
)
from vlm_demo.values import Box, Point, Polygon

pytestmark = [
    pytest.mark.unit,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

WIDTH, HEIGHT = SIZE = (400, 300)
Y, X = np.mgrid[:HEIGHT, :WIDTH]


def disc(x, y, radius):
    return np.hypot(X - x, Y - y) < radius


RING_AND_BAR = (disc(200, 150, 100) & ~disc(190, 150, 40)) | ((X > 350) & (Y > 20) & (Y < 90))


def at_edge(mask):
    """Which pixels have a neighbour of the other kind."""
    steps = [(step, axis) for step in (-1, 1) for axis in (0, 1)]
    return np.any([np.roll(mask, step, axis) != mask for step, axis in steps], axis=0)


def test_exact_outlines_of_noise_draw_the_same_pixels():
    noise = np.random.default_rng(5).random((20, 24)) > 0.5
    traced = trace_mask(noise, tolerance_px=0, least_part=0)
    assert (draw_mask(traced, (24, 20)) == noise).all()
    assert outline_area(traced, (24, 20)) == noise.sum()


def test_a_mask_with_a_hole_and_a_part_apart_comes_back_within_a_pixel():
    traced = trace_mask(RING_AND_BAR)
    outlines, holes = split_holes(traced, SIZE)
    assert (len(outlines), len(holes)) == (2, 1)
    assert sum(map(len, traced.rings)) < 300
    drawn = draw_mask(traced, SIZE)
    assert at_edge(RING_AND_BAR)[drawn != RING_AND_BAR].all()
    assert mask_iou(drawn, RING_AND_BAR) > 0.99
    again = trace_mask(drawn)
    assert mask_iou(draw_mask(again, SIZE), drawn) > 0.99


def test_a_rectangle_keeps_its_four_corners():
    traced = trace_mask((X >= 40) & (X < 120) & (Y >= 30) & (Y < 90))
    assert {(round(x, 6), round(y, 6)) for x, y in traced.to_pixels(SIZE)} == {
        (40, 30),
        (120, 30),
        (120, 90),
        (40, 90),
    }


def test_specks_are_dropped_and_an_empty_mask_has_no_outline():
    speck = disc(100, 100, 50)
    speck[290, 390] = True
    assert len(trace_mask(speck).rings) == 1
    assert trace_mask(np.zeros((5, 5), dtype=bool)) is None


def test_run_lengths_and_area_are_those_of_pycocotools():
    for mask in (RING_AND_BAR, ~RING_AND_BAR, np.ones((3, 4), dtype=bool)):
        size = list(mask.shape)
        encoded = coco_mask.frPyObjects({"counts": run_lengths(mask), "size": size}, *size)
        assert (coco_mask.decode(encoded) == mask).all()
        assert coco_mask.area(encoded) == mask.sum()


def test_one_ring_around_all_rings_is_the_same_area():
    traced = trace_mask(RING_AND_BAR)
    joined = Polygon(tuple(Point(x, y) for x, y in join_rings(traced, (1, 1))))
    assert mask_iou(draw_mask(joined, SIZE), draw_mask(traced, SIZE)) > 0.999


def test_a_window_shows_a_part_of_the_same_mask():
    box = Box(0.1, 0.2, 0.6, 0.9)
    whole = draw_mask(box, SIZE)
    assert whole.sum() == 200 * 210
    assert (draw_mask(box, SIZE, (30, 100, 90, 200)) == whole[100:200, 30:90]).all()


def test_an_outline_never_has_more_corners_than_a_polygon_may_have():
    teeth = (X + Y) % 2 == 0
    teeth[150:] = True
    teeth[::2] = True
    assert max(map(len, trace_mask(teeth).rings)) <= 2_000
