"""Scores the choices of a question by what the detector sees."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vlm_demo.engines.detector import sight
from vlm_demo.engines.detector.answers import Photograph
from vlm_demo.engines.detector.nouns import read_noun
from vlm_demo.engines.detector.questions import QuestionKind, UserQuestion
from vlm_demo.engines.detector.vocabulary import find_class
from vlm_demo.errors import NoScoresError

_YES = {"yes", "はい", "ある", "いる", "有", "是"}
_NO = {"no", "いいえ", "ない", "いない", "没有", "否"}
_LEAST = 0.01
"""Weight of what is not seen at all."""


def score_choices(photo: Photograph, question: UserQuestion, choices: Sequence[str]) -> list[float]:
    """Return the natural logarithm of how likely each choice is, in the order given.

    Raises:
        NoScoresError: the question or a choice is not about what the detector can see.
    """
    weights = _weigh(photo, question, [choice.strip().casefold() for choice in choices])
    total = sum(weights)
    return [math.log(weight / total) for weight in weights]


def _weigh(photo: Photograph, question: UserQuestion, choices: Sequence[str]) -> list[float]:
    noun = read_noun(question.nouns[0], question.language) if question.nouns else None
    class_index = noun.class_index if noun else None
    if (
        question.kind is QuestionKind.IS_THERE
        and class_index is not None
        and set(choices) <= _YES | _NO
    ):
        score = _score_of(photo, class_index)
        # A score of ASKED_SCORE is as likely right as wrong.
        yes = score / (score + sight.ASKED_SCORE)
        return [max(yes if choice in _YES else 1 - yes, _LEAST) for choice in choices]
    if (
        question.kind is QuestionKind.COUNT
        and class_index is not None
        and all(map(str.isdigit, choices))
    ):
        thing = sight.find_things(class_index, photo.observation.detections, photo.whole)
        seen = len(thing.detections) if thing else 0
        return [max(math.exp(-abs(int(choice) - seen)), _LEAST) for choice in choices]
    classes = [find_class(choice) for choice in choices]
    if all(index is not None for index in classes):
        return [max(_score_of(photo, index), _LEAST) for index in classes if index is not None]
    raise NoScoresError(
        "The detector can only choose among the classes it knows, yes and no, or numbers. "
        "Choose a language model for this question."
    )


def _score_of(photo: Photograph, class_index: int) -> float:
    scores = [one.score for one in photo.observation.detections if one.class_index == class_index]
    return max(scores, default=0.0)
