"""What every language says: sentences made of words, and of phrases that have boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from vlm_demo.engines.detector.photo_nets import DetectedObject
from vlm_demo.engines.detector.questions import Side
from vlm_demo.engines.detector.sight import Thing


@dataclass(frozen=True, slots=True)
class SentencePart:
    """A phrase of a sentence, and the boxes of what it names."""

    text: str
    detections: tuple[DetectedObject, ...] = ()

    def __str__(self) -> str:
        return self.text


Sentence = tuple[str | SentencePart, ...]
"""A sentence in parts, as they are read one after the other."""


class DetectorWording(Protocol):
    """The sentences of a language."""

    no_image: str
    """The answer where there is no picture."""

    no_text: str
    """The answer where text is to be read and there is none."""

    def caption(self, things: Sequence[Thing]) -> Sentence:
        """Say what is in the photograph; there is something."""
        ...

    def see_nothing(self, guess: str) -> str:
        """Say that none of the known things is there; `guess`: what the whole may be, or ""."""
        ...

    def report_thing(self, thing: Thing) -> Sentence:
        """Say that what was searched for is there, perhaps."""
        ...

    def report_absence(self, noun: str) -> str:
        """Say that nothing looks like a known thing, `noun` as the user wrote it."""
        ...

    def unknown(self, noun: str) -> str:
        """Say that a noun is not known."""
        ...

    def cannot_tell(self, modifier: str) -> str:
        """Say that what stands around a noun, such as "red", cannot be judged."""
        ...

    def whole_shows(self, imagenet_index: int) -> str:
        """Say that the photograph as a whole shows something that cannot be placed."""
        ...

    def count(self, thing: Thing) -> Sentence:
        """Say how many there are."""
        ...

    def confirm(self, thing: Thing) -> Sentence:
        """Answer "is there ...?" with yes, or perhaps."""
        ...

    def deny(self, noun: str) -> str:
        """Answer "is there ...?" with no."""
        ...

    def beside(self, side: Side, anchor: str, things: Sequence[Thing]) -> Sentence:
        """Say what is on a side of a thing; `things` may be empty."""
        ...

    def region(self, name: str, *, is_certain: bool) -> str:
        """Say what is in a region; `name` "": nobody knows."""
        ...

    def name_class(self, class_index: int) -> str:
        """Return the name of a COCO class as `region` takes it."""
        ...

    def name_imagenet(self, imagenet_index: int) -> str:
        """Return the name of an ImageNet class as `region` and `see_nothing` take it."""
        ...


def capitalize(sentence: Sentence) -> Sentence:
    """Return a sentence whose first letter is a capital."""
    first, *rest = sentence
    if isinstance(first, SentencePart):
        return (replace(first, text=_capital(first.text)), *rest)
    return (_capital(first), *rest)


def join(phrases: Sequence[SentencePart], comma: str, last: str) -> Sentence:
    """Join phrases with commas, and `last` before the last one."""
    parts: list[str | SentencePart] = []
    for index, phrase in enumerate(phrases):
        if index:
            parts.append(last if index == len(phrases) - 1 else comma)
        parts.append(phrase)
    return tuple(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
