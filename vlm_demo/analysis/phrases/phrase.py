"""A noun phrase as a value, and what the readers of all languages share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Language = Literal["en", "ja", "zh"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A thing that a text names, without its article and its number."""

    text: str  # as written: "small blue car"
    span: tuple[int, int]  # start and end in the text
    language: Language
    negated: bool = False  # the text says that it is not there
    count: int | None = None  # how many the text says there are, two or more; None: it does not
    plural: bool = False  # written in the plural; only English shows it

    def shift(self, by: int) -> Phrase:
        """Return the phrase with its span moved, from a part of a text to the whole text."""
        start, end = self.span
        return replace(self, span=(start + by, end + by))


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a sentence."""

    text: str
    start: int  # in the sentence

    @property
    def end(self) -> int:
        """Where the word ends in the sentence."""
        return self.start + len(self.text)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())
