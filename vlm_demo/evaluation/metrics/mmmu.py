"""The rules of MMMU (https://github.com/MMMU-Benchmark/MMMU, eval/eval_utils.py).

One thing differs on purpose: where no letter can be read, the published script guesses at random,
and this one returns none, which is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_LONG_ANSWER = 5
"""The words of options are looked for only in answers of more words than this."""

_LETTERS = (("({})", "({})"), ("{} ", " {} "), ("{}.", " {} "))
"""How a letter is written, the surest first, and what the last place of several is found by."""

_KEY_WORDS = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
"""An open answer comes behind one of these."""

_TRIVIAL = frozenset(":,.!?;'")

_NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+"),
    re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])"),
)
"""Numbers with commas, with exponents, and plain ones."""


def read_mmmu_choice(answer: str, options: Mapping[str, str]) -> str | None:
    """Return the letter of a multiple-choice answer; None: there is none to read.

    Args:
        answer: what the model wrote.
        options: the words of each option, by its capital letter.
    """
    for mark in ",.!?;:'":
        answer = answer.strip(mark)
    answer = f" {answer} "
    for written, counted in _LETTERS:
        if present := [letter for letter in options if written.format(letter) in answer]:
            return max(present, key=lambda one: answer.rfind(counted.format(one)))
    if len(answer.split()) <= _LONG_ANSWER:
        return None
    lower = answer.lower()
    named = [letter for letter, words in options.items() if words.lower() in lower]
    return max(named, key=lambda one: lower.rfind(options[one].lower()), default=None)


def is_right_open(answer: str, truths: Sequence[str]) -> bool:
    """Return whether an open answer has a right number, or contains the words of a right answer."""
    rights = [part for truth in truths for part in _normalize(truth)]
    for part in read_open_answer(answer):
        if isinstance(part, str):
            if any(isinstance(right, str) and right in part for right in rights):
                return True
        elif part in rights:
            return True
    return False


def read_open_answer(answer: str) -> list[str | float]:
    """Return what an open answer may mean: its telling ends, and the numbers in them."""
    parts = _telling_ends(answer)
    numbers = [found for part in parts for rule in _NUMBERS for found in rule.findall(part)]
    normal = [value for part in [*parts, *numbers] for value in _normalize(part)]
    return list(dict.fromkeys(normal))


def _telling_ends(answer: str) -> list[str]:
    """Return, of each line, the shortest end behind a key word; the whole answer without any."""
    whole = answer.strip().strip(".").lower()
    lines = whole.split("\n")
    ends = []
    for number, line in enumerate(lines, start=1):
        keys = (*_KEY_WORDS, "=") if number == len(lines) else _KEY_WORDS
        found = [line.split(key)[-1].strip() for key in keys if key in line]
        shortest = _shortest(found)
        if shortest and shortest not in _TRIVIAL:
            ends.append(shortest)
    return ends or [whole]


def _shortest(ends: Sequence[str]) -> str:
    """Return the shortest end, the first of equals; an empty one gives way to the next."""
    best = ""
    for end in ends:
        if not best or len(end) < len(best):
            best = end
    return best


def _normalize(text: str) -> list[str | float]:
    """Return a number rounded to two places, or words in lower case; one letter gets a blank."""
    text = text.strip()
    try:
        return [round(float(text.replace(",", "")), 2)]
    except ValueError:
        lower = text.lower()
        return [f" {lower}", f"{lower} "] if len(lower) == 1 else [lower]
