"""Labelled pictures of one's own, as examples to learn from."""

from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase
from vlm_demo.training.data.balance import (
    Balance,
    NameBalance,
    add_negatives,
    count_balance,
    picture_key,
)
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
from vlm_demo.training.data.forms import DataForm
from vlm_demo.training.data.reading import data_forms, read_training_data

__all__ = [
    "AnswerPart",
    "AnswerPhrase",
    "Balance",
    "DataForm",
    "NameBalance",
    "Refusal",
    "RefusalCounter",
    "RefusalReason",
    "RowError",
    "TrainingData",
    "TrainingExample",
    "TrainingImage",
    "TrainingTurn",
    "add_negatives",
    "count_balance",
    "data_forms",
    "describe_refusals",
    "picture_key",
    "read_training_data",
]
