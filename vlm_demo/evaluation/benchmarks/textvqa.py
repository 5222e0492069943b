"""TextVQA: questions that need the text in the picture.

Layouts: `TextVQA_0.5.1_val.json` of https://textvqa.org with its pictures; Parquet of lmms-lab.
"""

from __future__ import annotations

from pathlib import Path

from vlm_demo.evaluation.metrics.vqa import evalai_accuracy, normalize_evalai
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.values import Task

_NEEDS = (
    "TextVQA_0.5.1_val.json and its images; or Parquet with question_id, image_id, question, "
    "answers and image"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions that have answers.

    Raises:
        InputError: see `read_questions`.
    """
    layouts = [("question_id", "image_id", "question", "answers")]
    return read_questions(folder, layouts, _NEEDS, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion:
    if "image" in row.values:
        image = row.picture("image")
    else:
        image = row.pictures.find(f"{row.text('image_id')}.jpg")
    truth = {"answers": row.texts("answers")}
    return PublishedQuestion(
        row.text("question_id"), Task.VQA, row.text("question"), (image,), truth
    )


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
