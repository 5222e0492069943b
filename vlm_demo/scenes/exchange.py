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
"""The kinds of exchange."""


@dataclass(frozen=True, slots=True)
class GroundedPhrase:
    """A phrase of an answer and its boxes, in the order of the scene; "" if nothing is named."""

    phrase: str
    boxes: tuple[Box, ...]


Part = str | GroundedPhrase


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question in the user's words and its answer, in parts that are joined to a text."""

    subject: Subject
    language: Language
    task: Task
    text: str
    answer: tuple[Part, ...]
    region: Box | None = None
    about: SceneObject | None = None  # what "it" would mean in the next question

    def answer_text(self, write: Callable[[GroundedPhrase], str] | None = None) -> str:
        """Join the answer; `write` writes grounded phrases, by default without their boxes."""
        write = write or (lambda grounded: grounded.phrase)
        return "".join(part if isinstance(part, str) else write(part) for part in self.answer)

    def decapitalize(self) -> Exchange:
        """Return the exchange with an answer that continues a sentence."""
        first, *rest = self.answer
        if isinstance(first, GroundedPhrase):
            return replace(self, answer=(replace(first, phrase=_decapitalize(first.phrase)), *rest))
        return replace(self, answer=(_decapitalize(first), *rest))

    @property
    def phrases(self) -> tuple[GroundedPhrase, ...]:
        """The grounded phrases of the answer, in order."""
        return tuple(part for part in self.answer if isinstance(part, GroundedPhrase))


def _decapitalize(text: str) -> str:
    return text[:1].lower() + text[1:]
