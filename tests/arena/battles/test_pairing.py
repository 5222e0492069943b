"""Who meets whom, and how fast both are shown."""

import random
from collections import Counter
from dataclasses import replace
from itertools import combinations, pairwise

import pytest

from vlm_demo.arena.battles.pacing import FASTEST, LONGEST_REST_S, SLOWEST, Pace
from vlm_demo.arena.battles.pairing import OUTAGE_FAILURES, OUTAGE_S, Outages, draw_pair
from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.errors import BattleError

NAMES = ("old-1", "old-2", "old-3", "new")


def specs(*names: str) -> list[ModelSpec]:
    return [ModelSpec(name=name, family="llava15", checkpoint=f"us/{name}") for name in names]


def drawn(judged: dict[frozenset[str], int], times: int = 6_000) -> Counter[tuple[str, str]]:
    rng = random.Random(1)
    return Counter(draw_pair(specs(*NAMES), judged, rng) for _ in range(times))


# Pairs


def test_never_a_model_against_itself_and_all_pairs_come() -> None:
    pairs = drawn({})
    assert {frozenset(pair) for pair in pairs} == set(map(frozenset, combinations(NAMES, 2)))


def test_who_stands_on_the_left_is_chance() -> None:
    left = Counter(pair[0] for pair in drawn({}).elements())
    assert all(share == pytest.approx(1 / 4, abs=0.03) for share in shares(left).values())


def test_a_pair_is_drawn_as_one_in_how_often_it_was_judged() -> None:
    """Known pairs: 99 votes each. New ones: none. Weights 1/100 and 1."""
    judged = {frozenset(pair): 99 for pair in combinations(NAMES[:3], 2)}
    pairs = shares(Counter(frozenset(pair) for pair in drawn(judged).elements()))
    assert sum(share for pair, share in pairs.items() if "new" in pair) > 0.97
    judged[frozenset(("old-1", "new"))] = 1
    pairs = shares(Counter(frozenset(pair) for pair in drawn(judged).elements()))
    assert pairs[frozenset(("old-1", "new"))] == pytest.approx(0.5 / 2.53, abs=0.03)


def test_two_models_are_enough_and_one_is_not() -> None:
    rng = random.Random(0)
    assert set(draw_pair(specs("a", "b"), {}, rng)) == {"a", "b"}
    for few in (specs("lonely-model"), []):
        with pytest.raises(BattleError, match="Please fetch another model") as caught:
            draw_pair(few, {}, rng)
        assert "lonely" not in str(caught.value)


def test_one_checkpoint_under_two_names_does_not_meet_itself() -> None:
    one, other = specs("a", "b")
    twin = replace(one, name="a-in-4-bit", quantization="4bit")
    with pytest.raises(BattleError):
        draw_pair([one, twin], {}, random.Random(0))
    pairs = {frozenset(draw_pair([one, twin, other], {}, random.Random(n))) for n in range(50)}
    assert pairs == {frozenset(("a", "b")), frozenset(("a-in-4-bit", "b"))}
    pinned = replace(one, name="older", revision="v1")
    assert set(draw_pair([one, pinned], {}, random.Random(0))) == {"a", "older"}


def shares(counts: Counter) -> dict:
    return {key: count / counts.total() for key, count in counts.items()}


# Outages


def test_a_model_that_fails_again_and_again_rests_for_a_while() -> None:
    now = [0.0]
    outages, three = Outages(lambda: now[0]), specs("a", "b", "c")
    for _ in range(OUTAGE_FAILURES):
        assert outages.sound(three) == three
        outages.failed("a")
    assert outages.sound(three) == three[1:]
    now[0] = OUTAGE_S + 1
    assert outages.sound(three) == three
    outages.failed("a")  # it is still broken
    assert outages.sound(three) == three[1:]
    outages.answered("a")
    assert outages.sound(three) == three


def test_two_always_remain() -> None:
    outages, two = Outages(), specs("a", "b")
    for _ in range(OUTAGE_FAILURES):
        outages.failed("a")
    assert outages.sound(two) == two


# The pace


def run(pace: Pace, written: list[tuple[int, int]], ends: tuple[int, int]) -> list[int]:
    """Show what was written at each tenth of a second; `ends` are complete lengths."""
    return [
        pace.advance((a, b), (a == ends[0], b == ends[1]), number / 10)
        for number, (a, b) in enumerate(written)
    ]


def test_nothing_is_seen_before_both_have_begun() -> None:
    assert run(Pace(), [(0, 0), (50, 0), (100, 0)], (100, 60)) == [0, 0, 0]


def test_both_are_seen_as_far_as_the_slower_has_come() -> None:
    seen = run(Pace(), [(50, 3), (100, 6), (100, 9), (100, 12)], (100, 60))
    assert seen == [3, 6, 9, 12]


@pytest.mark.parametrize("slow_is_short", [True, False])
def test_the_rest_goes_on_at_the_pace_that_both_had(slow_is_short: bool) -> None:
    """10 characters a tenth of a second; the pace does not tell who was the slower."""
    slow, fast = (200, 600) if slow_is_short else (600, 200)
    written = [(min(10 * n, slow), min(100 * n, fast)) for n in range(70)]
    seen = run(Pace(), written, (slow, fast))
    steps = {later - earlier for earlier, later in pairwise(seen)}
    assert seen[60] == 600
    assert steps - {0} <= {9, 10, 11}


def test_the_rest_is_no_slower_and_no_faster_than_people_bear() -> None:
    crawling = [(n, min(40 * n, 400)) for n in range(11)] + [(10, 400)] * 120
    seen = run(Pace(), crawling, (10, 400))
    assert seen[-1] - seen[-11] in (0, pytest.approx(SLOWEST, abs=1))
    assert seen[-1] == 400
    flash = run(Pace(), [(0, 0), (5, 5_000), (5, 5_000)], (5, 5_000))
    assert flash[1:] == [5, 5 + FASTEST / 10]


def test_a_long_rest_takes_no_longer_than_so_many_seconds() -> None:
    written = [(n, 100 * n) for n in range(11)] + [(10, 100_000)] * (int(LONGEST_REST_S) * 10 + 2)
    assert run(Pace(), written, (10, 100_000))[-1] == 100_000
