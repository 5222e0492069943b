"""OCRBench: reading, from single words to handwritten formulas; 1000 questions.

Layouts: `OCRBench.json` of https://github.com/Yuliang-Liu/MultimodalOCR with its pictures; Parquet
of echo840/OCRBench.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlm_demo.evaluation.metrics.ocrbench import FORMULAS, contains_truth
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.evaluation.published.summary import Graded, Summary, mean_score
from vlm_demo.values import Task

_NEEDS = (
    "OCRBench.json with dataset_name, type, image_path, question and answers, and the images; or "
    "Parquet with dataset, question, question_type, answer and image"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions; see `PublishedBenchmark.read`."""
    original = ("dataset_name", "image_path", "question", "answers")
    hub = ("dataset", "image", "question", "answer")
    return read_questions(folder, [original, hub], _NEEDS, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion:
    return PublishedQuestion(
        id=row.identity,
        task=Task.VQA,
        text=row.text("question").strip(),
        images=(row.picture("image", "image_path"),),
        truth={
            "answers": row.texts("answers") or row.texts("answer"),
            "formula": (row.text("dataset_name") or row.text("dataset")) == FORMULAS,
        },
        group=row.text("type") or row.text("question_type"),
    )


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Look for a right answer in the answer."""
    truth = question.truth
    right = contains_truth(answer.text, truth["answers"], is_formula=truth["formula"])
    return QuestionScore(answer.text.strip(), float(right))


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return the share that is right, of each kind too, and how many: the published sum."""
    summary = mean_score(graded, "accuracy")
    total = sum(one.verdict.score or 0 for one in graded)
    return Summary({**summary.scores, "sum": round(total)}, summary.units)


PUBLISHED = PublishedBenchmark(
    name="ocrbench",
    title="OCRBench",
    needs=_NEEDS,
    rule="the answer contains a right one; in formulas blanks do not count; sum of 1000",
    source="https://github.com/Yuliang-Liu/MultimodalOCR",
    measure="accuracy",
    read=read,
    grade=grade,
    summarize=summarize,
    harness_task="ocrbench",
)
