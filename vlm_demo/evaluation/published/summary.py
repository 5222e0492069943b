"""The scores of a run: the mean over graded answers, over all and over each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vlm_demo.evaluation.benchmark import Scores
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore


@dataclass(frozen=True, slots=True)
class Graded:
    """A question with its answer and verdict."""

    question: PublishedQuestion
    answer: Answer
    verdict: QuestionScore


@dataclass(frozen=True, slots=True)
class Summary:
    """The scores of a run."""

    scores: Scores
    units: Sequence[float] = ()
    """Values whose mean is the benchmark's main measure: what an interval is computed from."""

    notes: Mapping[str, Any] = field(default_factory=dict)
    """What must be said beside the scores."""


def mean_score(graded: Sequence[Graded], measure: str, *, scale: float = 1) -> Summary:
    """Return the mean over all questions, over each group, and how many could not be scored."""
    scored = [one for one in graded if one.verdict.score is not None]
    scores: dict[str, float | int | None] = {measure: _mean(scored, scale)}
    groups = dict.fromkeys(one.question.group for one in scored)
    if len(groups) > 1:
        for group in groups:
            own = [one for one in scored if one.question.group == group]
            scores[f"{measure}_{group}"] = _mean(own, scale)
    units = [scale * one.verdict.score for one in scored if one.verdict.score is not None]
    return Summary(scores, units)


def _mean(graded: Sequence[Graded], scale: float) -> float | None:
    values = [one.verdict.score for one in graded if one.verdict.score is not None]
    return scale * sum(values) / len(values) if values else None
