"""Questions with possible answers: which is the most probable, and does their order matter?

In CircularEval (MMBench, https://arxiv.org/abs/2307.06281) a question is asked once for each
rotation of its possible answers, and counts only where the same one wins every time. There the
answers are listed behind the question and the model names a letter. Here they are listed, with
letters, before it, because many families have words of their own that must follow the question;
and what is compared is how probable the answers themselves are, because small models answer with
words. That compares long answers with short ones as they are: by their whole probability.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import TypedDict

from vlm_demo.errors import InputError
from vlm_demo.values import Request

Score = Callable[[Request], Sequence[float]]
"""Gives the log-probability of each choice of a request, in their order."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Possible answers as they were listed, and how probable each was; together they have 1."""

    choices: tuple[str, ...]
    probabilities: tuple[float, ...]

    @classmethod
    def of(cls, choices: Sequence[str], logprobs: Sequence[float]) -> Ranking:
        """Compare choices by the log-probability that each is the whole answer."""
        most = max(logprobs)
        if not math.isfinite(most):  # none of them is possible: none is better than another
            return cls(tuple(choices), (1 / len(choices),) * len(choices))
        weights = [math.exp(logprob - most) for logprob in logprobs]
        return cls(tuple(choices), tuple(weight / sum(weights) for weight in weights))

    @property
    def best(self) -> str:
        """The most probable choice; of equals, the first."""
        return self.choices[self.probabilities.index(max(self.probabilities))]

    def probability(self, choice: str) -> float:
        """How probable a choice is."""
        return self.probabilities[self.choices.index(choice)]


@dataclass(frozen=True, slots=True)
class Circle:
    """What became of a question in the rotations of its choices that have been asked so far."""

    rankings: tuple[Ranking, ...]

    @property
    def consistent(self) -> bool:
        """Whether the same choice wins in every order."""
        return len({ranking.best for ranking in self.rankings}) == 1

    @property
    def mean(self) -> Ranking:
        """The mean over the orders; choices as in the first."""
        choices = self.rankings[0].choices
        shares = (
            math.fsum(ranking.probability(choice) for ranking in self.rankings)
            for choice in choices
        )
        return Ranking(choices, tuple(share / len(self.rankings) for share in shares))


def ranked(request: Request, score: Score) -> Ranking:
    """Ask once; the choices are not shown to the model."""
    return Ranking.of(request.choices, score(request))


def in_every_order(request: Request, score: Score) -> Iterator[Circle]:
    """Ask once for each rotation of the choices, and yield what is known after each.

    Raises:
        InputError: there are fewer than two choices, two are the same, or there are more than
            letters.
    """
    choices = request.choices
    if not 2 <= len(choices) <= len(ascii_uppercase) or len(set(choices)) < len(choices):
        raise InputError(
            f"To ask in every order, please give 2 to {len(ascii_uppercase)} different answers."
        )
    circle = Circle(())
    for first in range(len(choices)):
        asked = listed(replace(request, choices=choices[first:] + choices[:first]))
        circle = Circle((*circle.rankings, ranked(asked, score)))
        yield circle


class Choice(TypedDict):
    """A possible answer, for other programs."""

    text: str
    probability: float


def to_choices(ranking: Ranking) -> list[Choice]:
    """Return a ranking as plain data, in the order of the list."""
    pairs = zip(ranking.choices, ranking.probabilities, strict=True)
    return [{"text": choice, "probability": probability} for choice, probability in pairs]


def listed(request: Request) -> Request:
    """Show the model the choices, each with a letter, a line each before the question."""
    lines = (
        f"{letter}. {choice}\n"
        for letter, choice in zip(ascii_uppercase, request.choices, strict=False)
    )
    return replace(request, text="".join(lines) + request.text)
