"""Containment, the score of OCRBench (https://github.com/Yuliang-Liu/MultimodalOCR)."""

from __future__ import annotations

from collections.abc import Sequence

FORMULAS = "HME100k"
"""The part of OCRBench whose answers are handwritten formulas."""

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""Full-width forms of ASCII and the wide blank; lmms-eval folds them since version 0.7."""


def contains_truth(answer: str, truths: Sequence[str], *, is_formula: bool = False) -> bool:
    """Return whether the answer contains a right one.

    Case does not count. In formulas it does, and blanks do not.
    """
    fold = _fold_formula if is_formula else _fold_text
    return any(fold(truth) in fold(answer) for truth in truths)


def _fold_formula(text: str) -> str:
    return text.strip().replace("\n", "").replace(" ", "")


def _fold_text(text: str) -> str:
    return text.translate(_FULL_WIDTH).lower().strip().replace("\n", " ")
