"""Multiple-choice questions: which answer is the most probable, and does their order matter?

In CircularEval (MMBench, https://arxiv.org/abs/2307.06281) a question is asked once for each
rotation of its possible answers, and counts only where the same one wins every time. There the
answers are listed behind the question and the model names a letter. Here they are listed, with
letters, before it, because many families append words of their own to the question; and what is
compared is the probability of the answers themselves, because small models answer with words. Long
answers are compared with short ones by their whole probability, without any normalization.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import TypedDict

from vlm_demo.errors import InputError
from vlm_demo.values import Request

ScoreChoices = Callable[[Request], Sequence[float]]
"""Returns the log-probability of each choice of a request, in their order."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Possible answers in the order of the request, and their probabilities, which sum to 1."""

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
        """Return the probability of a choice."""
        return self.probabilities[self.choices.index(choice)]


@dataclass(frozen=True, slots=True)
class CircularResult:
    """The rankings of the rotations of a question's choices that have been asked so far."""

    rankings: tuple[Ranking, ...]

    @property
    def is_consistent(self) -> bool:
        """Whether the same choice wins in every order."""
        return len({ranking.best for ranking in self.rankings}) == 1

    @property
    def mean(self) -> Ranking:
        """The mean over the orders; choices in the order of the first."""
        choices = self.rankings[0].choices
        shares = (
            math.fsum(ranking.probability(choice) for ranking in self.rankings)
            for choice in choices
        )
        return Ranking(choices, tuple(share / len(self.rankings) for share in shares))


def rank_choices(request: Request, score: ScoreChoices) -> Ranking:
    """Rank the choices in one request; they are not shown to the model."""
    return Ranking.of(request.choices, score(request))


def rank_in_every_order(request: Request, score: ScoreChoices) -> Iterator[CircularResult]:
    """Rank the choices once for each of their rotations, and yield the result so far after each.

    Raises:
        InputError: there are fewer than two choices, two are the same, or there are more than
            letters.
    """
    choices = request.choices
    if not 2 <= len(choices) <= len(ascii_uppercase) or len(set(choices)) < len(choices):
        raise InputError(
            "To test the option order, give 2 to {count} different answers.",
            count=len(ascii_uppercase),
        )
    result = CircularResult(())
    for first in range(len(choices)):
        rotated = list_choices(replace(request, choices=choices[first:] + choices[:first]))
        result = CircularResult((*result.rankings, rank_choices(rotated, score)))
        yield result


class ChoiceData(TypedDict):
    """A possible answer as plain data."""

    text: str
    probability: float


def ranking_to_data(ranking: Ranking) -> list[ChoiceData]:
    """Return a ranking as plain data, in its order."""
    pairs = zip(ranking.choices, ranking.probabilities, strict=True)
    return [{"text": choice, "probability": probability} for choice, probability in pairs]


def list_choices(request: Request) -> Request:
    """Put the choices before the question, a line each, with letters."""
    lines = (
        f"{letter}. {choice}\n"
        for letter, choice in zip(ascii_uppercase, request.choices, strict=False)
    )
    return replace(request, text="".join(lines) + request.text)
