"""The questions of a visitor's own benchmark, and how the page shows what models score on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vlm_demo.analysis.ground_truth import AnswerScore, LabelledQuestion, rank_models
from vlm_demo.analysis.ground_truth.archive import MAX_QUESTIONS
from vlm_demo.conversations.permalink import sha256_of
from vlm_demo.errors import InputError
from vlm_demo.prompting.confidence import apply_confidence_threshold
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.html_values import encode_value
from vlm_demo.units import format_percent
from vlm_demo.values import Region, Reply

Benchmark = tuple[LabelledQuestion, ...]


def make_question(
    answer: AnsweredRequest, ground_truth: Sequence[Region], threshold: float
) -> LabelledQuestion:
    """Make a question of an answer and the regions that should have been found.

    Raises:
        InputError: nothing is drawn, or there is no picture.
    """
    image = answer.image
    if image is None:
        raise InputError("This answer is not about a picture.")
    if not ground_truth:
        raise InputError(
            "Please draw the ground truth on the picture first: drag a box around each thing."
        )
    return LabelledQuestion(
        image.source,
        image.size,
        image.name,
        answer.request.task,
        answer.request.text,
        tuple(ground_truth),
        {answer.model: all_regions(apply_confidence_threshold(answer.reply, threshold))},
    )


def add_question(benchmark: Benchmark, new: LabelledQuestion) -> Benchmark:
    """Add a question. A known one gets the newer ground truth, and keeps its answers.

    Raises:
        InputError: there are too many.
    """
    for index, known in enumerate(benchmark):
        if _is_same_question(known, new):
            answers = {**known.answers, **new.answers}
            merged = replace(new, image=known.image, answers=answers)
            return (*benchmark[:index], merged, *benchmark[index + 1 :])
    if len(benchmark) >= MAX_QUESTIONS:
        raise InputError(f"The benchmark is full: it takes at most {MAX_QUESTIONS} questions.")
    return (*benchmark, new)


def _is_same_question(one: LabelledQuestion, other: LabelledQuestion) -> bool:
    if (one.task, one.words.strip(), one.size) != (other.task, other.words.strip(), other.size):
        return False
    return one.image == other.image or sha256_of(one.image) == sha256_of(other.image)


def all_regions(reply: Reply) -> tuple[Region, ...]:
    """Return the regions of all mentions of an answer."""
    return tuple(region for mention in reply.mentions for region in mention.regions)


def benchmark_value(
    benchmark: Sequence[LabelledQuestion],
    score: AnswerScore | None = None,
    text: str = "",
    *,
    busy: tuple[int, int, str] | None = None,
) -> str:
    """Value of the bar: the scores of each model, and that of the newest answer.

    Args:
        benchmark: all questions.
        score: of the newest answer; None: it was not scored.
        text: of the question that it answers.
        busy: the number of the question being asked, the number of all, and the model; None: none.
    """
    rows = rank_models((known.ground_truth, known.answers) for known in benchmark)
    content: dict[str, Any] = {
        "questions": len(benchmark),
        "standings": [
            {
                "model": row.model,
                "iou": f"{row.mean_iou:.2f}",
                "hits": format_percent(row.hit_rate),
                "extra": row.extra,
                "questions": row.questions,
            }
            for row in rows
        ],
        "busy": list(busy) if busy else None,
    }
    if score is not None:
        content["score"] = _score_content(score, text)
    return encode_value(content)


def _score_content(score: AnswerScore, text: str) -> Mapping[str, object]:
    expected = [match for match in score.matches if match.expected is not None]
    return {
        "words": text,
        "places": [
            {
                "overlap": f"{match.overlap:.2f}",
                "hit": match.is_hit,
                "found": match.found is not None,
            }
            for match in expected
        ],
        "hits": score.hits,
        "extra": score.extra,
    }
