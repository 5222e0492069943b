"""What a benchmark asks, what a model answers, and how the answer was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vlm_demo.results.pictures import QuestionImage
from vlm_demo.values import Box, Task


@dataclass(frozen=True, slots=True)
class PublishedQuestion:
    """One question as it is asked."""

    id: str  # unique within the benchmark
    task: Task  # another one is taken where the model's family cannot do it
    text: str
    images: tuple[QuestionImage, ...]
    truth: Mapping[str, Any]  # plain data: what the rule compares with
    group: str = ""  # the split or category whose score is reported apart
    is_extra: bool = False  # whether only some models are asked, so that it is in no comparison
    unit: str = ""  # questions of one unit are sampled together; "": it is its own


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A box of an answer."""

    label: str  # what it is said to be
    box: Box
    confidence: float | None  # 0 to 1; None: not known


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model answered."""

    text: str  # for people, without markup
    boxes: tuple[LabelledBox, ...] = ()
    judgement: str = ""  # what the judge wrote about it
    error: str = ""  # why there is no answer


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """How an answer was read, and what it scores."""

    prediction: str
    score: float | None  # None: it cannot be scored, and is reported
