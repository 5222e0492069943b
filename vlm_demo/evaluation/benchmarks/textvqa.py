"""TextVQA: questions that need the text in the picture.

Layouts: `TextVQA_0.5.1_val.json` of https://textvqa.org with its pictures; Parquet of lmms-lab.
"""

from __future__ import annotations

from pathlib import Path

from vlm_demo.evaluation.metrics.vqa import evalai_accuracy, normalize_evalai
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
    "TextVQA_0.5.1_val.json and its pictures; or Parquet with question_id, image_id, question, "
    "answers and image"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions that have answers.

    Raises:
        InputError: the folder has another layout, a file is broken, or pictures are missing.
    """
    pictures = PictureFolder(folder)
    questions = []
    for row in read_rows(folder, [("question_id", "image_id", "question", "answers")], _NEEDS):
        if "image" in row.values:
            image = find_picture(row, pictures, "image")
        else:
            image = pictures.find(f"{row.text('image_id')}.jpg")
        truth = {"answers": row.texts("answers")}
        questions.append(
            PublishedQuestion(
                row.text("question_id"), Task.VQA, row.text("question"), (image,), truth
            )
        )
    pictures.check()
    return questions


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Compare with the ten answers."""
    score = evalai_accuracy(answer.text, question.truth["answers"])
    return QuestionScore(normalize_evalai(answer.text), score)


PUBLISHED = PublishedBenchmark(
    name="textvqa",
    title="TextVQA",
    needs=_NEEDS,
    rule="VQA accuracy of EvalAI: agreement with ten people, after normalisation",
    source="https://textvqa.org",
    measure="accuracy",
    read=read,
    grade=grade,
    harness_task="textvqa_val",
)
