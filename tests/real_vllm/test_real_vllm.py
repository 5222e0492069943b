"""A real vLLM gives the answers of the local engine. Collected only where VLM_DEMO_VLLM is set."""

import os
from collections.abc import Iterator
from statistics import fmean

import pytest
from compare import Sides, compare, draw_scenes, measure_stop, open_sides

PICTURES = 4
MAX_DIFFERING = 1  # of each kind: rounding decides between words that are almost equally likely


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    with open_sides(os.environ["VLM_DEMO_VLLM"]) as both:
        yield both


def test_every_task_is_answered_as_here(sides: Sides) -> None:
    for row in compare(sides, draw_scenes(PICTURES)):
        assert row.asked >= PICTURES
        assert row.asked - row.equal <= MAX_DIFFERING, (row.kind, row.differing)
        assert fmean(row.overlaps or [1.0]) > 0.95, row.kind


def test_a_stop_reaches_vllm(sides: Sides) -> None:
    assert measure_stop(sides, draw_scenes(1)[0]) < 10
