"""What is shown of data before a model is fine-tuned on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """A part of the text of a row."""

    text: str
    role: Literal["prompt", "learned", "avoided"]
    """What it is: given to the model, learned (the loss is on it), or a worse answer (DPO)."""


@dataclass(frozen=True, slots=True)
class RowPreview:
    """An example as the model will read it."""

    source: str
    """Where it stands in the data."""

    images: tuple[Image, ...] = ()
    """The pictures of its text, in order, as the model is shown them."""

    parts: tuple[PreviewPart, ...] = ()
    problem: str = ""
    """Why it cannot be learned from; "": it can."""


@dataclass(frozen=True, slots=True)
class DataPreview:
    """What is known of data before a run."""

    count: int
    """Number of examples, or of pairs, that are learned from."""

    notes: tuple[str, ...]
    """What people should know, in sentences."""

    rows: tuple[RowPreview, ...]
