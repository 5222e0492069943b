"""What a person has labelled, as values: conversations about pictures, with the right answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from PIL import Image

from vlm_demo.images.opening import open_image
from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase
from vlm_demo.values import Region, Task


class LazyContent(Protocol):
    """The content of a picture's file that is fetched when it is needed."""

    def read(self) -> bytes:
        """Return the content of the file."""


ImageSource = Path | bytes | Image.Image | LazyContent
"""Where a picture comes from: its file, the file's content, or the picture itself."""


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """A picture that is opened when it is needed: a set may be larger than the memory."""

    source: ImageSource

    def open(self) -> Image.Image:
        """Open the picture: RGB and upright.

        Raises:
            ImageError: it is missing, damaged or too large.
        """
        match self.source:
            case Image.Image():
                return self.source
            case Path() | bytes():
                return open_image(self.source)
            case _:
                return open_image(self.source.read())


@dataclass(frozen=True, slots=True)
class TrainingTurn:
    """A question and its right answer."""

    task: Task
    text: str
    """The question, or the name of what is to be found; "" for a caption."""

    answer: tuple[AnswerPart, ...]
    images: tuple[TrainingImage, ...] = ()
    """Pictures that this question adds, in order."""

    regions: tuple[Region, ...] = ()
    """Regions on the newest picture that the question is about."""

    is_learned: bool = True
    """Whether the answer is learned; False: later turns of the conversation only build on it."""

    @property
    def answer_text(self) -> str:
        """The answer in words, without its boxes."""
        return "".join(part if isinstance(part, str) else part.phrase for part in self.answer)

    @property
    def phrases(self) -> tuple[AnswerPhrase, ...]:
        """The phrases of the answer that have boxes, or say that something is absent."""
        return tuple(part for part in self.answer if isinstance(part, AnswerPhrase))


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A conversation of one or several turns, whose answers are learned."""

    turns: tuple[TrainingTurn, ...]
    source: str
    """Where it comes from, for messages: a file and a line, or the name of a picture."""


class RefusalReason(StrEnum):
    """Why a row of a data set cannot be learned from; the value is said to people."""

    MISSING_IMAGE = "the image is missing"
    DAMAGED_IMAGE = "the image cannot be read"
    TURNED_IMAGE = "the boxes are for an image of another size"
    LEFTOVER_IMAGES = "images belong to no question"
    NO_IMAGE = "there is no image"
    WRONG_ROLES = "questions and answers do not alternate"
    NO_ANSWER = "the answer is empty"
    NOT_APPROVED = "nobody has corrected an answer or called it good"
    EMPTY_BOX = "a box has no area"
    BOX_OUTSIDE = "a box lies outside the image"
    UNKNOWN_CLASS = "a box has a class without a name"
    UNREADABLE_ROW = "the row cannot be read"
    UNSUPPORTED = "the model cannot be asked this"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows that were left out for one reason."""

    reason: RefusalReason
    count: int
    first: str
    """The first of them: where it stands, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What was read of a data set."""

    examples: tuple[TrainingExample, ...]
    refused: tuple[Refusal, ...] = ()
    """What was left out, most frequent reason first."""

    form: str = ""
    """The name of the form that the data has."""

    notes: tuple[str, ...] = ()
    """What people should know, in sentences: such as that only a part was read."""


class RowError(Exception):
    """A row of a data set cannot be learned from; readers count it and go on."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        """Keep the reason, and what exactly is wrong with this row."""
        super().__init__(detail or reason.value)
        self.reason, self.detail = reason, detail


class RefusalCounter:
    """Counts rows that are left out, and remembers the first for each reason."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: dict[RefusalReason, int] = {}
        self._first: dict[RefusalReason, str] = {}

    def add(self, source: str, error: RowError) -> None:
        """Count a row; `source` says where it stands."""
        self._counts[error.reason] = self._counts.get(error.reason, 0) + 1
        self._first.setdefault(error.reason, f"{source}: {error}")

    def refusals(self) -> tuple[Refusal, ...]:
        """Return what was counted, most frequent reason first."""
        ordered = sorted(self._counts, key=lambda reason: -self._counts[reason])
        return tuple(
            Refusal(reason, self._counts[reason], self._first[reason]) for reason in ordered
        )


def describe_refusals(refused: Sequence[Refusal]) -> str:
    """Return a sentence about what was left out; "": nothing was."""
    if not refused:
        return ""
    total = sum(refusal.count for refusal in refused)
    parts = [f"{refusal.count}: {refusal.reason} ({refusal.first})" for refusal in refused]
    return f"{total} rows are left out. " + "; ".join(parts) + "."
