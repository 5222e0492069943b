"""What a published benchmark is: questions from the user's folder, and the rule that scores them.

A file of `vlm_demo.evaluation.benchmarks` that has a `PUBLISHED` is found automatically.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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

    harness_task: str = ""  # its name in lmms-eval; "": it has none

    def summary(self, graded: Sequence[Graded]) -> Summary:
        """Return the scores of a run."""
        if self.summarize is not None:
            return self.summarize(graded)
        return mean_score(graded, self.measure)
