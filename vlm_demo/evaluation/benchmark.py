"""What a benchmark with questions of its own, or of the user, is.

A file of this package that has a `BENCHMARK` is found automatically. One that has `questions` can
also be used in automatic battles: it says what is asked and grades the replies, and
`vlm_demo.evaluation.battles` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vlm_demo.values import Reply, Request

if TYPE_CHECKING:
    from vlm_demo.evaluation.published.benchmark import PublishedBenchmark

Scores = Mapping[str, float | int | None]
"""Measures by name (0 to 1; None: not measured), and `n`, the number of questions."""


@dataclass(frozen=True, slots=True)
class Grade:
    """How right a reply is, compared with the ground truth; from 0.5 on it counts as right."""

    answer: float  # 0 to 1, as a whole
    boxes: float | None = None  # 0 to 1, its boxes alone; None: the question asks for none


@dataclass(frozen=True, slots=True)
class Question:
    """One question with a ground truth."""

    name: str  # unique within the benchmark, for all seeds
    request: Request
    language: str  # of its words, ISO 639-1
    grade: Callable[[Reply], Grade]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What the questions of a run follow from."""

    seed: int = 0
    count: int | None = None  # about how many questions; None: the benchmark's own number
    data: Path | None = None  # the user's file or folder; None: the benchmark has its own
    scratch: Path  # folder for files that are needed while the run lasts
    knows_japanese: bool = False  # whether the model does


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Questions with their ground truth, and how answers are scored."""

    name: str
    # Returns it with its questions, in the form in which answers are kept. Raises InputError where
    # the user's file cannot be used.
    prepare: Callable[[Preparation], PublishedBenchmark]
    needs_data: bool = False  # whether its questions are in a file of the user
    # Seed, count; any beginning of the list is a fair sample. None: it takes no part in battles.
    questions: Callable[[int, int | None], Sequence[Question]] | None = None
