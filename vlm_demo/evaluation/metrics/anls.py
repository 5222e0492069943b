"""ANLS, the score of DocVQA and InfographicVQA.

The rule is that of the competition's own script (https://rrc.cvc.uab.es, "Robust Reading", task
DocVQA), which other programs repeat. It differs from the formula of the paper in two details, which
are kept: the distance is divided by the length before blanks are squeezed, and a similarity of
exactly 0.5 counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from vlm_demo.evaluation.metrics.edit_distance import edit_distance

THRESHOLD = 0.5
"""Similarities below this score 0."""


def anls(answer: str, truths: Sequence[str]) -> float:
    """Return the similarity with the nearest right answer, 0 to 1; case does not count."""
    nearest = max((_similarity(answer, truth) for truth in truths), default=0.0)
    return nearest if nearest >= THRESHOLD else 0.0


def _similarity(answer: str, truth: str) -> float:
    length = max(len(answer), len(truth))
    if not length:
        return 1.0
    return 1 - edit_distance(_squeeze(answer), _squeeze(truth)) / length


def _squeeze(text: str) -> str:
    return " ".join(text.lower().split())
