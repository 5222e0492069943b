"""VQA accuracy, the score of VQAv2 and TextVQA.

Ten people answered each question, and an answer is right to the degree that they agree with it. Two
published programs compute it and differ in small things, so both are here:

* the script of VQAv2 (https://github.com/GT-Vision-Lab/VQA, vqaEval.py), which compares texts as
  they are where the ten answers are the same;
* EvalAI's, from the challenge of TextVQA (https://github.com/facebookresearch/mmf), which
  normalises all and separates "'s" from its word.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ENOUGH = 3
"""An answer is wholly right if this many people gave it."""

_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'

_PERIOD = re.compile(r"\.(?!\d)")

_MOST_PERIODS = 32
"""The scripts give `re.UNICODE`, which is 32, in the place of how many periods are removed."""

_NUMBER_WITH_COMMA = re.compile(r"\d,\d")
_NUMBER_WITH_COMMAS = re.compile(r"\d,+\d")

_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten".split()  # noqa: SIM905
    )
} | {"none": "0"}

_ARTICLES = frozenset({"a", "an", "the"})


def vqa_accuracy(answer: str, truths: Sequence[str]) -> float:
    """Score an answer as the script of VQAv2 does, 0 to 1.

    Args:
        answer: of the model.
        truths: the answers of people, in the data ten.
    """
    answer, truths = _flatten(answer), [_flatten(truth) for truth in truths]
    if len(set(truths)) > 1:
        answer, truths = normalize_vqa(answer), [normalize_vqa(truth) for truth in truths]
    return _agreement(answer, truths)


def evalai_accuracy(answer: str, truths: Sequence[str]) -> float:
    """Score an answer as the challenge of TextVQA does, 0 to 1."""
    return _agreement(normalize_evalai(answer), [normalize_evalai(truth) for truth in truths])


def normalize_vqa(text: str) -> str:
    """Normalise an answer: punctuation, case, numbers in words, articles and contractions."""
    return _normalize_words(_strip_punctuation(_flatten(text), _NUMBER_WITH_COMMA))


def normalize_evalai(text: str) -> str:
    """Normalise an answer as EvalAI does; commas and question marks go first, and "'s" parts."""
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    return _normalize_words(_strip_punctuation(_flatten(text), _NUMBER_WITH_COMMAS))


def _agreement(answer: str, truths: Sequence[str]) -> float:
    """Return the mean, over the people left out one by one, of how many others agree, at most 1."""
    if not truths:
        return 0.0
    hits = sum(truth == answer for truth in truths)
    scores = (min(1.0, (hits - (truth == answer)) / ENOUGH) for truth in truths)
    return sum(scores) / len(truths)


def _flatten(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _strip_punctuation(text: str, number: re.Pattern[str]) -> str:
    """Remove marks that stand beside a blank, or all of them in a text with such a number.

    Marks inside a word become blanks, and a period goes unless a digit follows.
    """
    has_number = number.search(text) is not None
    bare = text
    for mark in _PUNCTUATION:
        is_apart = f"{mark} " in text or f" {mark}" in text
        bare = bare.replace(mark, "" if is_apart or has_number else " ")
    return _PERIOD.sub("", bare, count=_MOST_PERIODS)


def _normalize_words(text: str) -> str:
    words = (_NUMBERS.get(word, word) for word in text.lower().split())
    contractions = _contractions()
    return " ".join(contractions.get(word, word) for word in words if word not in _ARTICLES)


@cache
def _contractions() -> dict[str, str]:
    """Return how contractions without an apostrophe are meant; both programs have the same list."""
    path = Path(__file__).with_name("vqa_contractions.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return {row["written"]: row["meant"] for row in csv.DictReader(file)}
