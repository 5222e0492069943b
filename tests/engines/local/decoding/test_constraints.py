"""Answers constrained to choices and given tokens, with real tokenizers and random models."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.random_models import random_model

from vlm_demo.engines.local.decoding.constraints import ChoiceConstraint, ChoiceTree, ForcedTokens


def test_a_choice_that_begins_another_can_be_made() -> None:
    tree = ChoiceTree([[1], [1, 2], [3, 4], [1]], end_token=9)
    assert tree.next_tokens == [1, 3]
    tree.advance(1)
    assert (tree.next_tokens, tree.only_choice) == ([2, 9], None)
    tree.advance(9)
    assert tree.only_choice == 0


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=1, max_size=40), st.integers(0, 99)
)
def test_a_choice_is_open_as_long_as_its_tokens_are_followed(
    choices: list[list[int]], seed: int
) -> None:
    """Against the plain definition, on a walk that is drawn."""
    tree, walk, end = ChoiceTree(choices, 9), random.Random(seed), 9
    firsts = [i for i, tokens in enumerate(choices) if tokens not in choices[:i]]
    written: list[int] = []
    while True:
        open_ = [i for i in firsts if [*choices[i], end][: len(written)] == written]
        assert tree.only_choice == (open_[0] if len(open_) == 1 else None)
        if len(open_) == 1:
            return
        assert tree.next_tokens == sorted({[*choices[i], end][len(written)] for i in open_})
        written.append(walk.choice(tree.next_tokens))
        tree.advance(written[-1])


def test_one_of_thousands_of_choices_is_made() -> None:
    rng = random.Random(0)
    choices = [[rng.randrange(600) for _ in range(rng.randint(1, 9))] for _ in range(20_000)]
    tree = ChoiceTree(choices, 2)
    only = ChoiceConstraint(tree)
    scores = torch.randn(1, 670, generator=torch.Generator().manual_seed(0))
    written: list[int] = []
    while tree.only_choice is None:
        written.append(int(only(torch.tensor([[1, *written]]), scores).argmax()))
        tree.advance(written[-1])
    made = choices[tree.only_choice]
    assert [*made, 2][: len(written)] == written


@pytest.mark.parametrize("kind", ["llava", "kosmos2"])
def test_generate_keeps_to_the_choices(kind: str) -> None:
    model = random_model(kind)
    choices = [model.tokenizer.encode(word, add_special_tokens=False) for word in ("cat", "a cat")]

    class Following(ChoiceConstraint):
        """As the engine does it: every token that is taken is told to the tree."""

        def __init__(self, tree: ChoiceTree) -> None:
            super().__init__(tree)
            self.tree, self.known = tree, 0

        def __call__(self, input_ids: Any, scores: Any) -> Any:
            if self.known and self.tree.only_choice is None:
                self.tree.advance(int(input_ids[0, -1]))
            self.known = input_ids.shape[1]
            if self.tree.only_choice is not None:
                return scores
            return super().__call__(input_ids, scores)

    def flatten(_: Any, scores: Any) -> Any:
        """Make the choices about as likely: random weights may prefer one by far."""
        return scores / 4

    made = set()
    for seed in range(16):
        tree = ChoiceTree(choices, model.end_token)
        length = max(map(len, choices)) + 1
        model.write(flatten, Following(tree), seed=seed, length=length)
        made.add(tree.only_choice)
    assert made == {0, 1}


@pytest.mark.parametrize("kind", ["llava", "blip_2_t5"])
def test_forced_tokens_are_written(kind: str) -> None:
    model = random_model(kind)
    tokens = [*model.tokenizer.encode("a red cat", add_special_tokens=False), model.end_token]
    assert model.write(ForcedTokens(tokens)) == tokens


def test_what_follows_forced_tokens_is_free() -> None:
    forced = ForcedTokens([4])
    scores = torch.tensor([[0.0, 1.0, 2.0, 3.0, 4.0]])
    assert forced(torch.tensor([[1]]), scores).tolist() == [[-math.inf] * 4 + [0.0]]
    assert forced(torch.tensor([[1, 4]]), scores) is scores
