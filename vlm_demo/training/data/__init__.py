"""Labelled pictures of one's own, as examples to learn from."""

from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase
from vlm_demo.training.data.examples import (
    Refusal,
    RefusalCounter,
    RefusalReason,
    RowError,
    TrainingData,
    TrainingExample,
    TrainingImage,
    TrainingTurn,
    describe_refusals,
)

__all__ = [
    "AnswerPart",
    "AnswerPhrase",
    "Refusal",
    "RefusalCounter",
    "RefusalReason",
    "RowError",
    "TrainingData",
    "TrainingExample",
    "TrainingImage",
    "TrainingTurn",
    "describe_refusals",
]
