"""What a published benchmark is: questions from the user's folder, and the rule that scores them.

A file of `vlm_demo.evaluation.benchmarks` that has a `PUBLISHED` is found automatically.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vlm_demo.evaluation.benchmark import Scores
from vlm_demo.evaluation.published.pictures import BenchmarkImages
from vlm_demo.values import Box, Task


@dataclass(frozen=True, slots=True)
class PublishedQuestion:
    """One question as it is asked."""

    id: str  # unique within the benchmark
    task: Task  # another one is taken where the model's family cannot do it
    text: str
    images: tuple[BenchmarkImages, ...]
    truth: Mapping[str, Any]  # plain data: what the rule compares with
    group: str = ""  # the split or category whose score is reported apart
    unit: str = ""  # questions of one unit are sampled together; "": it is its own


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A box of an answer."""

    label: str  # what it is said to be
    box: Box
    confidence: float | None  # 0 to 1; None: not known


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model answered."""

    text: str  # for people, without markup
    boxes: tuple[LabelledBox, ...] = ()
    judgement: str = ""  # what the judge wrote about it
    error: str = ""  # why there is no answer


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """How an answer was read, and what it scores."""

    prediction: str
    score: float | None  # None: it cannot be scored, and is reported


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedBenchmark:
    """A benchmark whose data are the user's."""

    name: str
    title: str
    needs: str  # what must be in the folder
    rule: str  # how it is scored, in a sentence
    source: str  # address of the data's or the rule's authors
    measure: str  # the main one of its scores
    read: Callable[[Path], Sequence[PublishedQuestion]]
    """Reads a folder; raises InputError where it has another layout, or broken or missing files."""

    grade: Callable[[PublishedQuestion, Answer], QuestionScore]
    summarize: Callable[[Sequence[Graded]], Summary] | None = None  # None: the mean
    judge_prompt: Callable[[PublishedQuestion, Answer], str] | None = None
    """What a judge is asked about an answer; None: no judge is needed."""

    harness_task: str = ""  # its name in lmms-eval; "": it has none

    def summary(self, graded: Sequence[Graded]) -> Summary:
        """Return the scores of a run."""
        if self.summarize is not None:
            return self.summarize(graded)
        return mean_score(graded, self.measure)
