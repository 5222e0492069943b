"""DocVQA: questions about scanned documents.

Layouts: `val_v1.0_withQT.json` of https://www.docvqa.org with its folder `documents`; Parquet of
lmms-lab.
"""

from __future__ import annotations

from pathlib import Path

from vlm_demo.evaluation.metrics.anls import anls
from vlm_demo.evaluation.published.layout import find_picture
from vlm_demo.evaluation.published.pictures import PictureFolder
from vlm_demo.evaluation.published.question import (
    Answer,
    PublishedBenchmark,
    PublishedQuestion,
    QuestionScore,
)
from vlm_demo.evaluation.published.tables import read_rows
from vlm_demo.values import Task

_NEEDS = (
    "val_v1.0_withQT.json and the folder documents; or Parquet with questionId, question, answers "
    "and image"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions that have answers: those of the validation set.

    Raises:
        InputError: the folder has another layout, a file is broken, or pictures are missing.
    """
    pictures = PictureFolder(folder)
    rows = read_rows(folder, [("questionId", "question", "image", "answers")], _NEEDS)
    questions = [
        PublishedQuestion(
            id=row.text("questionId"),
            task=Task.VQA,
            text=row.text("question"),
            images=(find_picture(row, pictures, "image"),),
            truth={"answers": row.texts("answers")},
        )
        for row in rows
        if row.texts("answers")
    ]
    pictures.check()
    return questions


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
