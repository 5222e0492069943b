"""MathVista: mathematics in pictures.

Layouts: `testmini.json` of https://mathvista.github.io with its folder `images`; Parquet of
AI4Math/MathVista.
"""

from __future__ import annotations

from pathlib import Path

from vlm_demo.evaluation.metrics.mathvista import extract_answer, normalize_extraction
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.layout import read_list
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.values import Task

_NEEDS = (
    "testmini.json and the folder images; or Parquet with pid, query, answer, question_type, "
    "answer_type, choices, precision and decoded_image"
)

_COLUMNS = ("query", "answer", "question_type", "answer_type", "choices", "precision", "image")


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions that have an answer: those of testmini.

    Raises:
        InputError: see `read_questions`.
    """
    return read_questions(folder, [_COLUMNS], _NEEDS, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion | None:
    if not row.text("answer"):
        return None
    precision = row.text("precision")
    return PublishedQuestion(
        id=row.text("pid") or row.text("key"),
        task=Task.CHAT,
        text=row.text("query"),
        images=(row.picture("decoded_image", "image"),),
        truth={
            "answer": row.text("answer"),
            "choices": read_list(row.values["choices"]),
            "kind": row.text("answer_type"),
            "precision": round(float(precision)) if precision.replace(".", "").isdigit() else 0,
        },
        group=row.text("question_type"),
    )


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Extract the answer by rule, and compare it."""
    truth = question.truth
    extraction = extract_answer(answer.text, truth["choices"])
    normal = normalize_extraction(extraction, truth["choices"], truth["kind"], truth["precision"])
    return QuestionScore(
        normal or "", float(normal is not None and normal == truth["answer"].strip())
    )


PUBLISHED = PublishedBenchmark(
    name="mathvista",
    title="MathVista",
    needs=_NEEDS,
    rule="the option or number, extracted by rules and not by a judge; unreadable is wrong",
    source="https://mathvista.github.io",
    measure="accuracy",
    read=read,
    grade=grade,
    harness_task="mathvista_testmini",
)
