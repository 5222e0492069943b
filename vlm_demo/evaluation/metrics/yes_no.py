"""Yes and no, the score of POPE (https://github.com/AoiDragon/POPE, evaluate.py).

An answer is "no" if the first sentence has one of the words "No", "no" and "not"; any other answer
is "yes", an evasive one too. That is the rule of the published figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_DENIALS = frozenset({"No", "no", "not"})


@dataclass(frozen=True, slots=True)
class YesNoScores:
    """Measures over all questions, 0 to 1. "Yes" is the positive class."""

    accuracy: float
    precision: float
    recall: float
    f1: float
    yes_ratio: float  # share of yes among the answers, not among the truths


def is_yes(answer: str) -> bool:
    """Return whether an English answer counts as a yes."""
    sentence = answer.split(".", maxsplit=1)[0].replace(",", "")
    return not _DENIALS & set(sentence.split(" "))


def score_yes_no(answers: Sequence[bool], truths: Sequence[bool]) -> YesNoScores:
    """Compare answers with truths, pair by pair; where nothing can be divided, the score is 0."""
    pairs = list(zip(answers, truths, strict=True))
    right_yes = sum(answer and truth for answer, truth in pairs)
    precision = _divide(right_yes, sum(answers))
    recall = _divide(right_yes, sum(truths))
    return YesNoScores(
        accuracy=_divide(sum(answer == truth for answer, truth in pairs), len(pairs)),
        precision=precision,
        recall=recall,
        f1=_divide(2 * precision * recall, precision + recall),
        yes_ratio=_divide(sum(answers), len(pairs)),
    )


def _divide(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
