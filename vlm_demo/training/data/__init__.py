"""Labelled pictures of one's own, as examples to learn from."""

from vlm_demo.training.data.examples import (
    AnswerPart,
    AnswerPhrase,
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
