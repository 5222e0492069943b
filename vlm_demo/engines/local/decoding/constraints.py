"""Constrains answers to given choices or tokens.

Constraints, here and in `grammars`, are logits processors as the `generate` of transformers takes
them, for one row: scores have the shape (1, vocabulary), and every row has instances of its own.
They come after whatever else changes scores, and before sampling.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import torch
from transformers import LogitsProcessor


class ChoiceTree:
    """The choices that are still possible while the tokens of one of them are being written.

    Every choice ends with an end token, so one that is a prefix of another can be made; of choices
    with the same tokens only the first can.
    """

    def __init__(self, choices: Sequence[Sequence[int]], end_token: int) -> None:
        index: dict[tuple[int, ...], int] = {}
        for number, tokens in enumerate(choices):
            index.setdefault((*tokens, end_token), number)
        # In this order, choices that continue in the same way are neighbours.
        self._choices = sorted(index)
        self._index = [index[tokens] for tokens in self._choices]
        self._first, self._end = 0, len(self._choices)  # those still possible
        self._depth = 0  # tokens written so far

    @property
    def only_choice(self) -> int | None:
        """Index of the choice that is left; None while there are several."""
        return self._index[self._first] if self._end - self._first == 1 else None

    @property
    def next_tokens(self) -> list[int]:
        """The tokens that continue a choice, in ascending order."""
        tokens: list[int] = []
        at = self._first
        while at < self._end:
            tokens.append(self._next(self._choices[at]))
            at = bisect_right(self._choices, tokens[-1], at, self._end, key=self._next)
        return tokens

    def advance(self, token: int) -> None:
        """Drop the choices that do not continue with this token."""
        first, end = self._first, self._end
        self._first = bisect_left(self._choices, token, first, end, key=self._next)
        self._end = bisect_right(self._choices, token, first, end, key=self._next)
        self._depth += 1

    def _next(self, tokens: tuple[int, ...]) -> int:
        return tokens[self._depth]


class ChoiceConstraint(LogitsProcessor):
    """Allows only tokens that continue a choice; the caller advances the tree."""

    def __init__(self, tree: ChoiceTree) -> None:
        self._tree = tree

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        allowed = torch.zeros(scores.shape[-1], dtype=torch.bool)
        allowed[self._tree.next_tokens] = True
        return allow_only(scores, allowed.to(scores.device))


class ForcedTokens(LogitsProcessor):
    """Forces given tokens on the model; what follows them is free."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = tokens
        self._written = 0

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if self._written == len(self._tokens):
            return scores
        token = torch.tensor([self._tokens[self._written]], device=scores.device)
        self._written += 1
        return torch.full_like(scores, -torch.inf).index_fill_(-1, token, 0.0)


def allow_only(scores: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """Rule out all tokens except those that are allowed, (vocabulary)."""
    # Finite, so that an allowed token that another processor has ruled out can still be written.
    least = torch.finfo(scores.dtype).min
    return scores.clamp(min=least).masked_fill_(~allowed, -torch.inf)
