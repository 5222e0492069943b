"""A question about a scene and its true answer, free of any model's wording or markup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from vlm_demo.scenes.scene import SceneObject
from vlm_demo.values import Box, Task

Language = Literal["en", "ja"]

Subject = Literal[
    "caption",
    "detailed_caption",
    "grounded_caption",
    "what",
    "how_many",
    "colour",
    "is_there",
    "relation",
    "locate",
    "locate_all",
    "absent",
    "describe_region",
    "small_talk",
]
"""What an exchange is about; evaluation counts by it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A phrase of an answer with its boxes, in the order of the scene; "" where none is named."""

    phrase: str
    boxes: tuple[Box, ...]


Part = str | Place


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is asked, in the user's words, and the answer in parts that join to a text."""

    subject: Subject
    language: Language
    task: Task
    text: str
    answer: tuple[Part, ...]
    region: Box | None = None
    about: SceneObject | None = None  # the one thing that "it" would mean in the next question

    def answer_text(self, write: Callable[[Place], str] | None = None) -> str:
        """Join the answer; places by `write`, or by their phrases alone."""
        written = write or (lambda place: place.phrase)
        return "".join(part if isinstance(part, str) else written(part) for part in self.answer)

    def lower_case(self) -> Exchange:
        """The same exchange with an answer that goes on in the middle of a sentence."""
        first, *rest = self.answer
        if isinstance(first, Place):
            return replace(
                self, answer=(replace(first, phrase=_decapitalised(first.phrase)), *rest)
            )
        return replace(self, answer=(_decapitalised(first), *rest))

    @property
    def places(self) -> tuple[Place, ...]:
        """The places of the answer, in its order."""
        return tuple(part for part in self.answer if isinstance(part, Place))


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
