"""DocVQA: questions about scanned documents.

Layouts: `val_v1.0_withQT.json` of https://www.docvqa.org with its folder `documents`; Parquet of
lmms-lab.
"""

from __future__ import annotations

from pathlib import Path

from vlm_demo.evaluation.metrics.anls import anls
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.values import Task

_NEEDS = (
    "val_v1.0_withQT.json and the folder documents; or Parquet with questionId, question, answers "
    "and image"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions that have answers: those of the validation set.

    Raises:
        InputError: see `read_questions`.
    """
    layouts = [("questionId", "question", "image", "answers")]
    return read_questions(folder, layouts, _NEEDS, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion | None:
    answers = row.texts("answers")
    if not answers:
        return None
    images = (row.picture("image"),)
    return PublishedQuestion(
        row.text("questionId"), Task.VQA, row.text("question"), images, {"answers": answers}
    )


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Measure how near the answer is to the nearest right one."""
    return QuestionScore(answer.text.strip(), anls(answer.text, question.truth["answers"]))


PUBLISHED = PublishedBenchmark(
    name="docvqa",
    title="DocVQA",
    needs=_NEEDS,
    rule="ANLS with the threshold 0.5, the best right answer",
    source="https://www.docvqa.org",
    measure="anls",
    read=read,
    grade=grade,
    harness_task="docvqa_val",
)
