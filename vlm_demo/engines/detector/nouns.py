"""Understands noun phrases: which class of COCO they are about, and what cannot be judged."""

from __future__ import annotations

from dataclasses import dataclass

from vlm_demo.engines.detector.vocabulary import Language, find_class

_NEGATIONS = {"not", "no", "without", "never"}
_DETERMINERS = {"a", "an", "the", "some", "any", "this", "that", "these", "those", "all", "every"}


@dataclass(frozen=True, slots=True)
class Noun:
    """What a user's noun phrase is about."""

    words: str
    """The noun without what cannot be judged."""

    class_index: int | None
    """The COCO class; None: it is not one of them."""

    modifier: str = ""
    """What cannot be judged, such as "red"."""


def read_noun(words: str, language: Language) -> Noun:
    """Return what a noun phrase is about: its longest known ending, as in "a red sports car"."""
    class_index = find_class(words, language)
    if class_index is not None:
        return Noun(words, class_index)
    if language is not Language.ENGLISH:
        for start in range(1, len(words)):
            if (class_index := find_class(words[start:], language)) is not None:
                return Noun(words[start:], class_index, words[:start].rstrip("的の"))
        return Noun(words, None)
    parts = words.split()
    if _NEGATIONS & {part.casefold() for part in parts}:
        return Noun(words, None)
    for start in range(1, len(parts)):
        head = " ".join(parts[start:])
        if (class_index := find_class(head, language)) is not None:
            modifiers = [part for part in parts[:start] if part.casefold() not in _DETERMINERS]
            return Noun(head, class_index, " ".join(modifiers))
    return Noun(words, None)
