"""What a published benchmark is: questions from the user's folder, and the rule that scores them.

Benchmarks with questions of their own take the same form once their questions are drawn.

A file of `vlm_demo.evaluation.benchmarks` that has a `PUBLISHED` is found automatically.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL.Image import Image

from vlm_demo.backend import Backend
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.summary import Graded, Summary, mean_score


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

    ask: Callable[[Backend, str, PublishedQuestion, tuple[Image, ...]], Answer] | None = None
    """Gets the answer of a model by its name; None: the reply to one request."""

    full: float = 1.0  # what the main measure of a model is whose answers are all right
    harness_task: str = ""  # its name in lmms-eval; "": it has none

    def summary(self, graded: Sequence[Graded]) -> Summary:
        """Return the scores of a run."""
        if self.summarize is not None:
            return self.summarize(graded)
        return mean_score(graded, self.measure)
