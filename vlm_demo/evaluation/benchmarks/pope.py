"""POPE: is a thing there, asked about things that are and things that are not.

Layouts: `coco_pope_random.json`, `..._popular.json` and `..._adversarial.json` of
https://github.com/AoiDragon/POPE (JSON lines) with COCO's val2014 pictures; Parquet of lmms-lab.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.metrics.yes_no import is_yes, score_yes_no
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.layout import find_split
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.values import Task

_NEEDS = (
    "coco_pope_random.json and the like with question_id, image, text and label, and the images; "
    "or Parquet with question, answer, image and category"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions.

    Raises:
        InputError: see `read_questions`; or a label is neither yes nor no.
    """
    layouts = (("image", "text", "label"), ("image", "question", "answer"))
    return read_questions(folder, layouts, _NEEDS, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion:
    label = (row.text("label") or row.text("answer")).strip().lower()
    if label not in {"yes", "no"}:
        raise InputError(f"{row.path} has the label {label!r}, which is neither yes nor no.")
    return PublishedQuestion(
        id=row.identity,
        task=Task.VQA,
        text=(row.text("text") or row.text("question")).strip(),
        images=(row.picture("image"),),
        truth={"answer": label},
        group=row.text("category") or find_split(row.path),
    )


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Read a yes or no."""
    said = "yes" if is_yes(answer.text) else "no"
    return QuestionScore(said, float(said == question.truth["answer"]))


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return the five measures, over all and over each split."""
    scores: dict[str, float | int | None] = dict(_score(graded))
    groups = dict.fromkeys(one.question.group for one in graded)
    if len(groups) > 1:
        for group in groups:
            own = [one for one in graded if one.question.group == group]
            scores |= {f"{name}_{group}": value for name, value in _score(own).items()}
    return Summary(scores, [one.verdict.score or 0.0 for one in graded])


def _score(graded: Sequence[Graded]) -> dict[str, float]:
    said = [one.verdict.prediction == "yes" for one in graded]
    truths = [one.question.truth["answer"] == "yes" for one in graded]
    return asdict(score_yes_no(said, truths))


PUBLISHED = PublishedBenchmark(
    name="pope",
    title="POPE",
    needs=_NEEDS,
    rule="no if the first sentence has No, no or not, else yes; accuracy, precision, recall, F1 "
    "and the share of yes among the answers",
    source="https://github.com/AoiDragon/POPE",
    measure="accuracy",
    read=read,
    grade=grade,
    summarize=summarize,
    harness_task="pope",
)
