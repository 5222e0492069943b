"""What the readers of several benchmarks share: splits, lettered options, lists and boxes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlm_demo.errors import InputError
from vlm_demo.evaluation.metrics.choice_letters import letter_options
from vlm_demo.evaluation.published.tables import Row

_SPLITS = (
    *("testA", "testB", "testmini", "minival", "adversarial", "popular", "random"),
    *("test_human", "test_augmented", "validation", "val", "test", "dev", "train"),
)
"""Parts of published data sets, the longer names first."""

LETTER_INSTRUCTION = "Answer with the option's letter from the given choices directly."
"""What follows the options, as in LLaVA-1.5 (https://arxiv.org/abs/2310.03744, table 7)."""


def find_split(path: Path) -> str:
    """Return the part of a data set that a file's or folder's name says; "": none."""
    for name in (path.stem, path.parent.name):
        for split in _SPLITS:
            if split.lower() in name.lower():
                return split
    return ""


def write_options(question: str, options: Sequence[str], hint: str = "") -> str:
    """Return the text of a multiple-choice question, its options lettered on lines of their own."""
    lines = [hint, question] if hint else [question]
    lines += [f"{letter}. {words}" for letter, words in letter_options(options).items()]
    return "\n".join([*lines, LETTER_INSTRUCTION])


def read_list(value: Any) -> list[str]:
    """Return a list that a table has as it is or as Python or JSON writes it; []: it is none."""
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return []
    return [str(one) for one in value] if isinstance(value, list) else []


def read_box(value: Any, row: Row, column: str) -> tuple[float, float, float, float]:
    """Return four numbers of a row, or raise InputError."""
    try:
        first, second, third, fourth = (float(number) for number in value)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{row.path} has a row whose {column} is no box: {value!r:.80}."
        ) from error
    return first, second, third, fourth
