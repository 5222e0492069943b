"""A noun phrase as a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Language = Literal["en", "ja", "zh"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A thing that a text names, without its article and its number."""

    text: str  # as it is written: "small blue car"
    span: tuple[int, int]  # start and end in the text
    language: Language
    negated: bool = False  # the text says that it is not there
    count: int | None = None  # how many the text says there are, two or more; None: it does not
    plural: bool = False  # written as more than one; only English tells

    def moved(self, by: int) -> Phrase:
        """Return the phrase of a part of a text as one of the whole text."""
        start, end = self.span
        return replace(self, span=(start + by, end + by))


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is written as a text."""
    return frozenset(text.split())
