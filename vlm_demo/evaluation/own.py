"""Questions of one's own: the ZIP that the page saves, with regions that a person has drawn.

Measures: mean_iou, over all regions of the ground truth, 0 for one that was missed; hit_rate, the
share of them found with IoU >= 0.5; and extra, the number of the model's regions that match none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL.Image import Image

from vlm_demo.analysis.ground_truth import LabelledQuestion, rank_models, read_archive, score_answer
from vlm_demo.backend import Backend
from vlm_demo.evaluation.benchmark import Benchmark, Preparation
from vlm_demo.evaluation.published.answering import read_answer
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.results.pictures import ImageFile
from vlm_demo.values import Box, Point, Polygon, Region, Request, bounding_box


def prepare(preparation: Preparation) -> PublishedBenchmark:
    """Read the first `count` questions of a ZIP, or all.

    Raises:
        InputError: it cannot be used; the message says why.
    """
    assert preparation.data is not None
    archive = read_archive(preparation.data, preparation.scratch)[: preparation.count]
    questions = {str(number): one for number, one in enumerate(archive, start=1)}
    return PublishedBenchmark(
        name="own",
        title="Own questions",
        needs="the ZIP of questions that the page saves",
        rule="IoU of each right region and the one that was found for it; the mean",
        source="",
        measure="mean_iou",
        ask=_ask,
        read=lambda _: [_as_published(name, one) for name, one in questions.items()],
        grade=lambda question, answer: _grade(questions[question.id], answer),
        summarize=lambda graded: _summarize(questions, graded),
    )


def _as_published(name: str, question: LabelledQuestion) -> PublishedQuestion:
    boxes = [
        {"label": question.words, "box": bounding_box(region).corners}
        for region in question.ground_truth
    ]
    return PublishedQuestion(
        id=name,
        task=question.task,
        text=question.words,
        images=(ImageFile(question.image),),
        truth={"boxes": boxes},
    )


def _ask(
    backend: Backend, model: str, question: PublishedQuestion, images: tuple[Image, ...]
) -> Answer:
    """Ask as the page does, and keep points too, as boxes without an area."""
    *_, reply = backend.answer(model, Request(question.task, question.text, images))
    return read_answer(reply, (Box, Point, Polygon))


def _find_regions(answer: Answer) -> list[Region]:
    boxes = [one.box for one in answer.boxes]
    return [box if box.area else Point(box.x1, box.y1) for box in boxes]


def _grade(question: LabelledQuestion, answer: Answer) -> QuestionScore:
    score = score_answer(question.ground_truth, _find_regions(answer))
    words = f"{score.hits} of {len(score.overlaps)} found, {score.extra} too many"
    return QuestionScore(words, sum(score.overlaps) / max(len(score.overlaps), 1))


def _summarize(questions: Mapping[str, LabelledQuestion], graded: Sequence[Graded]) -> Summary:
    answers = [
        (questions[one.question.id].ground_truth, {"": _find_regions(one.answer)}) for one in graded
    ]
    (score,) = rank_models(answers)
    scores = {"mean_iou": score.mean_iou, "hit_rate": score.hit_rate, "extra": score.extra}
    overlaps = [
        overlap for truth, found in answers for overlap in score_answer(truth, found[""]).overlaps
    ]
    return Summary(scores, overlaps)


BENCHMARK = Benchmark("own", prepare, needs_data=True)
