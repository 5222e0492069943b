"""ChartQA: questions about charts.

Layouts: `test_human.json` and `test_augmented.json` of https://github.com/vis-nlp/ChartQA with the
folder `png`; Parquet of lmms-lab or of HuggingFaceM4.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vlm_demo.evaluation.metrics.relaxed import is_right_relaxed
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.evaluation.published.summary import Graded, Summary, mean_score
from vlm_demo.values import Task

_NEEDS = (
    "test_human.json and test_augmented.json with imgname, query and label, and the images; or "
    "Parquet with image, question or query, answer or label"
)

_LAYOUTS = (
    ("imgname", "query", "label"),
    ("image", "question", "answer"),
    ("image", "query", "label"),
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions; see `PublishedBenchmark.read`."""
    return read_questions(folder, _LAYOUTS, _NEEDS, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion:
    return PublishedQuestion(
        id=row.identity,
        task=Task.VQA,
        text=row.text("query") or row.text("question"),
        images=(row.picture("image", "imgname"),),
        truth={"answer": (row.texts("label") or row.texts("answer") or [""])[0]},
        group=_part(row),
    )


def _part(row: BenchmarkRow) -> str:
    """Return which half of the test a question is in."""
    written = row.text("type") or row.path.stem
    if "human_or_machine" in row.values:
        return "human" if row.text("human_or_machine") in {"0", "human"} else "augmented"
    return "human" if "human" in written else "augmented" if "augmented" in written else ""


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Compare with the right number or words; a period behind an answer is not a part of it."""
    said = answer.text.strip().removesuffix(".")
    return QuestionScore(said, float(is_right_relaxed(said, question.truth["answer"])))


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return the accuracy of both halves and the mean of the two, as the paper reports it."""
    summary = mean_score(graded, "overall")
    halves = [summary.scores.get(f"overall_{name}") for name in ("human", "augmented")]
    known = [half for half in halves if half is not None]
    average = sum(known) / len(known) if known else summary.scores["overall"]
    return Summary({"accuracy": average, **summary.scores}, summary.units)


PUBLISHED = PublishedBenchmark(
    name="chartqa",
    title="ChartQA",
    needs=_NEEDS,
    rule="numbers within 5 %, other answers equal but for case; mean of the human and the "
    "augmented half",
    source="https://github.com/vis-nlp/ChartQA",
    measure="accuracy",
    read=read,
    grade=grade,
    summarize=summarize,
    harness_task="chartqa",
)
