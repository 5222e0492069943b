"""What a benchmark is.

A file of this package that has a `BENCHMARK` is found automatically. One that has `questions` can
also be used in automatic battles: it says what is asked and grades the replies, and
`vlm_demo.evaluation.battles` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlm_demo.backend import Backend
from vlm_demo.values import Reply, Request

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


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Questions with their ground truth, and how answers are scored."""

    name: str
    # Backend, model, seed, count. None: its questions have to be read from a file first.
    run: Callable[[Backend, str, int, int | None], Scores] | None = None
    # Seed, count; any beginning of the list is a fair sample. None: it takes no part in battles.
    questions: Callable[[int, int | None], Sequence[Question]] | None = None
    # Returns the benchmark with the questions of a file. None: it has its own.
    read: Callable[[Path], Benchmark] | None = None
