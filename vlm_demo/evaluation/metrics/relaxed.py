"""Relaxed accuracy, the score of ChartQA (https://arxiv.org/abs/2203.10244, section 5.1)."""

from __future__ import annotations

TOLERANCE = 0.05
"""Largest difference between a number and the right one, as a share of the right one."""


def is_right_relaxed(answer: str, truth: str) -> bool:
    """Return whether a number is within 5 % of the right one, or a text equals it but for case.

    A percentage is its hundredth. A right answer of 0 is compared as a text, so that "0.0" is wrong
    there: published evaluations do the same.
    """
    answer, truth = answer.strip(), truth.strip()
    number, right = _read_number(answer), _read_number(truth)
    if number is not None and right:
        return abs(number - right) / abs(right) <= TOLERANCE
    return answer.lower() == truth.lower()


def _read_number(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
