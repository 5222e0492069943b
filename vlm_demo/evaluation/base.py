"""What a benchmark is.

A file of this package with a `BENCHMARK` is found by itself. One that names its `questions` can
also be played in automatic battles: it says what is asked and grades the replies, and
`vlm_demo.evaluation.battles` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vlm_demo.backend import Backend
from vlm_demo.values import Reply, Request

Scores = Mapping[str, float | int | None]
"""Measures by name, 0 to 1, and `n`, the number of questions; None: the model was not asked."""


@dataclass(frozen=True, slots=True)
class Grade:
    """How right a reply is, by the truth; 0.5 is what counts as right at all."""

    answer: float  # 0 to 1, as a whole
    boxes: float | None = None  # 0 to 1, its boxes alone; None: the question wants none


@dataclass(frozen=True, slots=True)
class Question:
    """One question whose true answer is known."""

    name: str  # tells it from every other one of the benchmark, whatever the seed
    request: Request
    language: str  # of its words, ISO 639-1
    grade: Callable[[Reply], Grade]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Questions with their truth, and how answers are counted."""

    name: str
    # Backend, model, seed, count. None: its questions have to be read from a file first.
    run: Callable[[Backend, str, int, int | None], Scores] | None = None
    # Seed, count; in an order that may be cut off anywhere. None: it takes no part in battles.
    questions: Callable[[int, int | None], Sequence[Question]] | None = None
    # Returns the benchmark whose questions stand in a file. None: it brings its own.
    read: Callable[[Path], Benchmark] | None = None
