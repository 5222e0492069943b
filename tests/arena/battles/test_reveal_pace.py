"""How fast two answers are revealed."""

from itertools import pairwise

import pytest

from vlm_demo.arena.battles.reveal_pace import MAX_RATE, MAX_REST_S, MIN_RATE, RevealPace


def run(pace: RevealPace, written: list[tuple[int, int]], ends: tuple[int, int]) -> list[int]:
    """Show what was written at each tenth of a second; `ends` are complete lengths."""
    return [
        pace.advance((a, b), (a == ends[0], b == ends[1]), number / 10)
        for number, (a, b) in enumerate(written)
    ]


def test_nothing_is_seen_before_both_have_begun() -> None:
    assert run(RevealPace(), [(0, 0), (50, 0), (100, 0)], (100, 60)) == [0, 0, 0]


def test_both_are_seen_as_far_as_the_slower_has_come() -> None:
    seen = run(RevealPace(), [(50, 3), (100, 6), (100, 9), (100, 12)], (100, 60))
    assert seen == [3, 6, 9, 12]


@pytest.mark.parametrize("slow_is_short", [True, False])
def test_the_rest_goes_on_at_the_pace_that_both_had(slow_is_short: bool) -> None:
    """10 characters a tenth of a second; the pace does not tell who was the slower."""
    slow, fast = (200, 600) if slow_is_short else (600, 200)
    written = [(min(10 * n, slow), min(100 * n, fast)) for n in range(70)]
    seen = run(RevealPace(), written, (slow, fast))
    steps = {later - earlier for earlier, later in pairwise(seen)}
    assert seen[60] == 600
    assert steps - {0} <= {9, 10, 11}


def test_the_rest_is_no_slower_and_no_faster_than_people_bear() -> None:
    crawling = [(n, min(40 * n, 400)) for n in range(11)] + [(10, 400)] * 120
    seen = run(RevealPace(), crawling, (10, 400))
    assert seen[-1] - seen[-11] in (0, pytest.approx(MIN_RATE, abs=1))
    assert seen[-1] == 400
    flash = run(RevealPace(), [(0, 0), (5, 5_000), (5, 5_000)], (5, 5_000))
    assert flash[1:] == [5, 5 + MAX_RATE / 10]


def test_a_long_rest_takes_no_longer_than_so_many_seconds() -> None:
    written = [(n, 100 * n) for n in range(11)] + [(10, 100_000)] * (int(MAX_REST_S) * 10 + 2)
    assert run(RevealPace(), written, (10, 100_000))[-1] == 100_000
