"""How a written answer continues the prompt that it is the answer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vlm_demo.markup.written_answers import AnswerPart

_SENTENCE_STARTS = frozenset(
    {
        *("A", "An", "The", "Some", "Several", "Many", "No", "One", "Two", "Three", "Four"),
        *("Five", "Six", "Seven", "Eight", "Nine", "Ten"),
    }
)
"""Words that are small inside a sentence; names stay as they are."""


def decapitalize(parts: Sequence[AnswerPart]) -> list[AnswerPart]:
    """Return an answer that continues a sentence: "A dog" becomes "a dog"."""
    if not parts:
        return []
    first, *rest = parts
    if isinstance(first, str):
        return [_decapitalize(first), *rest]
    return [replace(first, phrase=_decapitalize(first.phrase)), *rest]


def continue_prefix(answer: str, prefix: str) -> str:
    """Return what comes behind the given beginning of an answer, with a blank where one belongs."""
    if prefix and answer.startswith(prefix):
        return answer[len(prefix) :]
    if not prefix or prefix[-1].isspace() or not answer or answer[0] in " <.,\n":
        return answer
    return f" {answer}"


def _decapitalize(words: str) -> str:
    first, _, _ = words.partition(" ")
    return words[:1].lower() + words[1:] if first in _SENTENCE_STARTS else words
