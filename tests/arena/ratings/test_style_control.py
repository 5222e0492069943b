"""Ratings corrected for the length of answers and the number of boxes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.votes import make_votes

from vlm_demo.arena.ratings.ratings import RatedModel
from vlm_demo.arena.ratings.style_control import control_style, measure_style
from vlm_demo.arena.votes.vote import Contender, Selection, Vote, Winner

MODELS = tuple(
    RatedModel(name, 1000, 900, 1100, 1, 100, provisional=False, win_rate=0.5)
    for name in ("long", "short")
)


def battles(count: int, *, fair: bool) -> Iterator[Vote]:
    """Votes for the longer answer, whoever wrote it; where it is not fair, one always does."""
    rng = random.Random(0)
    (base,) = make_votes(["long", "short"], 1)
    for number in range(count):
        a, b = rng.sample(["long", "short"], 2)
        longer = rng.choice([a, b]) if fair else "long"
        texts = {name: "x" * (400 if name == longer else 100) for name in (a, b)}
        winner = longer if rng.random() < 0.8 else ({a, b} - {longer}).pop()
        yield replace(
            base,
            battle=f"battle {number}",
            a=Contender(model=a, outputs=(texts[a],)),
            b=Contender(model=b, outputs=(texts[b],)),
            winner=Winner.A if winner == a else Winner.B,
            boxes=None,
            exclusion=None,
            weight=1.0,
        )


def gap(votes: Iterator[Vote]) -> float:
    rated = {each.model: each.rating for each in control_style(MODELS, votes, Selection())}
    return rated["long"] - rated["short"]


def test_who_wins_by_length_alone_is_rated_as_the_other() -> None:
    # Some battles the other way round tell length and model apart.
    votes = [*battles(900, fair=False), *battles(300, fair=True)]
    assert abs(gap(iter(votes))) < 60
    bare = [replace(v, a=replace(v.a, outputs=()), b=replace(v.b, outputs=())) for v in votes]
    assert gap(iter(bare)) > 150


def test_votes_of_other_kinds_and_unknown_models_change_nothing() -> None:
    votes = list(battles(50, fair=False))
    other = [replace(vote, a=replace(vote.a, model="unknown")) for vote in votes]
    assert control_style(MODELS, other, Selection()) == MODELS
    assert control_style(MODELS, votes, Selection(task="no such task")) == MODELS
    assert control_style(MODELS, votes, Selection(boxes=True)) == MODELS
    assert control_style((), votes, Selection()) == ()


@pytest.mark.parametrize(
    ("output", "style"),
    [
        ("A cat [0.1, 0.2, 0.3, 0.4].", (7, 1)),
        ("cat<loc0001><loc0002><loc0003><loc0004> ; dog", (9, 1)),
        ("<phrase>a cat</phrase><patch_index_0001><patch_index_0900>", (22, 1)),
        ("[1, 2]", (6, 0)),
        ("", (0, 0)),
    ],
)
def test_boxes_are_counted_and_not_read_as_words(output: str, style: tuple[int, int]) -> None:
    assert measure_style(Contender(model="m", outputs=(output,))) == style
