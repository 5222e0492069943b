"""Which models meet, and which are left out for a while."""

import random
from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest

from vlm_demo.arena.battles.pairing import OUTAGE_FAILURES, OUTAGE_S, Outages, draw_pair
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import NumberFormat
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
        with pytest.raises(BattleError, match="Download another model") as caught:
            draw_pair(few, {}, rng)
        assert "lonely" not in str(caught.value)


def test_one_checkpoint_under_two_names_does_not_meet_itself() -> None:
    one, other = specs("a", "b")
    twin = replace(one, name="a-in-4-bit", number_format=NumberFormat.FOUR_BIT)
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
        assert outages.leave_out_failing(three) == three
        outages.note_failure("a")
    assert outages.leave_out_failing(three) == three[1:]
    now[0] = OUTAGE_S + 1
    assert outages.leave_out_failing(three) == three
    outages.note_failure("a")  # it is still broken
    assert outages.leave_out_failing(three) == three[1:]
    outages.note_answer("a")
    assert outages.leave_out_failing(three) == three


def test_two_always_remain() -> None:
    outages, two = Outages(), specs("a", "b")
    for _ in range(OUTAGE_FAILURES):
        outages.note_failure("a")
    assert outages.leave_out_failing(two) == two
