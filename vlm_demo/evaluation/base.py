"""What a benchmark is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vlm_demo.backend import Backend

Scores = Mapping[str, float | int | None]
"""Measures by name, 0 to 1, and `n`, the number of questions; None: the model was not asked."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Questions with their truth, and how answers are counted."""

    name: str
    run: Callable[[Backend, str, int, int | None], Scores]  # backend, model, seed, count
