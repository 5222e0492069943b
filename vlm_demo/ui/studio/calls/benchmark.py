"""A visitor's own benchmark as a value: questions with what should have been found."""

from __future__ import annotations

from dataclasses import replace

from vlm_demo.analysis.ground_truth import LabelledQuestion
from vlm_demo.analysis.ground_truth.archive import MAX_QUESTIONS
from vlm_demo.conversations.permalink import sha256_of
from vlm_demo.errors import InputError

Benchmark = tuple[LabelledQuestion, ...]
"""Questions, each once."""


def add_question(benchmark: Benchmark, new: LabelledQuestion) -> Benchmark:
    """Add a question. A known one gets the newer ground truth, and keeps its answers.

    Raises:
        InputError: there are too many.
    """
    for index, known in enumerate(benchmark):
        if _is_same_question(known, new):
            answers = {**known.answers, **new.answers}
            merged = replace(new, image=known.image, answers=answers)
            return (*benchmark[:index], merged, *benchmark[index + 1 :])
    if len(benchmark) >= MAX_QUESTIONS:
        raise InputError(
            "The benchmark is full: it takes at most {max_questions} questions.",
            max_questions=MAX_QUESTIONS,
        )
    return (*benchmark, new)


def _is_same_question(one: LabelledQuestion, other: LabelledQuestion) -> bool:
    if (one.task, one.words.strip(), one.size) != (other.task, other.words.strip(), other.size):
        return False
    return one.image == other.image or sha256_of(one.image) == sha256_of(other.image)
