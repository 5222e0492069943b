"""The rules of MathVista without a judge (https://github.com/lupantech/MathVista, evaluation/).

The published way lets GPT-4 extract the answer from prose. Here it is extracted by rule alone: the
answer itself where it is an option or a number, `The answer is "X".`, or the option that it names.
What cannot be read so is wrong; say "by rules" beside the score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from vlm_demo.evaluation.metrics.choice_letters import letter_options, read_choice
from vlm_demo.evaluation.metrics.edit_distance import edit_distance

AnswerKind = Literal["integer", "float", "text", "list"]
"""Kinds of answers, by the names of the data."""

_STATEMENT = re.compile(r'The answer is "(.*)"\.')


def extract_answer(answer: str, options: Sequence[str]) -> str:
    """Return the part of an answer that is compared; "": nothing can be read."""
    answer = answer.strip()
    if answer in options:
        return answer
    if statement := _STATEMENT.search(answer):
        return statement[1]
    if options:
        lettered = letter_options(options)
        letter = read_choice(answer, lettered)
        return lettered[letter] if letter else ""
    return answer


def normalize_extraction(
    extraction: str, options: Sequence[str], kind: AnswerKind, precision: int = 0
) -> str | None:
    """Return an extracted answer as the data write right ones; None: it is none of that kind.

    Args:
        extraction: "" is no answer.
        options: of a multiple-choice question; a letter in brackets names one, and other words
            mean the option that they differ least from.
        kind: of an answer without options.
        precision: decimal places of a float.
    """
    if options:
        return _nearest_option(extraction.strip(), options) if extraction.strip() else None
    try:
        if kind == "integer":
            return str(int(float(extraction)))
        if kind == "float":
            return str(round(float(extraction), precision))
    except (ValueError, OverflowError):
        return None
    return extraction


def _nearest_option(extraction: str, options: Sequence[str]) -> str:
    bracketed = re.findall(r"\(([a-zA-Z])\)", extraction)
    letter = bracketed[0].upper() if bracketed else extraction
    lettered = letter_options(options)
    if letter in lettered:
        return lettered[letter]
    return min(options, key=lambda option: edit_distance(letter, option))
