"""JA-VG-VQA-500 and JA-VLM-Bench-In-the-Wild: Japanese questions with short sentences as answers.

Layouts: Parquet of SakanaAI/JA-VG-VQA-500, of whose questions the first of each picture is asked,
as its authors do, and of SakanaAI/JA-VLM-Bench-In-the-Wild; JSON lines with the same columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.metrics.rouge import TOKENISER, rouge_l
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.evaluation.published.summary import Graded, Summary, mean_score
from vlm_demo.values import Task

_COLUMNS = (("image", "qas"), ("image", "question", "answer"))


def read(needs: str, folder: Path) -> list[PublishedQuestion]:
    """Return the questions; see `PublishedBenchmark.read`."""
    return read_questions(folder, _COLUMNS, needs, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion:
    question, answer = _first_question(row)
    images = (row.picture("image"),)
    return PublishedQuestion(row.identity, Task.CHAT, question, images, {"answer": answer})


def _first_question(row: BenchmarkRow) -> tuple[str, str]:
    if "qas" not in row.values:
        return row.text("question"), row.text("answer")
    try:
        first = row.values["qas"][0]
        return str(first["question"]), str(first["answer"])
    except (LookupError, TypeError) as error:
        raise InputError(f"{row.path} has a row without a question in qas.") from error


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Compare the words."""
    text = answer.text.strip()
    return QuestionScore(text, rouge_l(text, question.truth["answer"]))


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return ROUGE-L times 100, as it is published."""
    summary = mean_score(graded, "rouge_l", scale=100)
    return Summary(summary.scores, summary.units, {"tokeniser": TOKENISER})


_NEEDS_VG = "Parquet or JSON lines with image and qas, a list of question and answer"
_NEEDS_WILD = "Parquet or JSON lines with image, question and answer"

_benchmark = partial(
    PublishedBenchmark,
    rule=f"ROUGE-L F times 100 over Japanese words of {TOKENISER}",
    measure="rouge_l",
    full=100,
    grade=grade,
    summarize=summarize,
)

PUBLISHED = _benchmark(
    name="ja-vg-vqa-500",
    title="JA-VG-VQA-500",
    needs=_NEEDS_VG,
    source="https://huggingface.co/datasets/SakanaAI/JA-VG-VQA-500",
    read=partial(read, _NEEDS_VG),
)
PUBLISHED_RELATIVES = (
    _benchmark(
        name="ja-vlm-bench",
        title="JA-VLM-Bench-In-the-Wild",
        needs=_NEEDS_WILD,
        source="https://huggingface.co/datasets/SakanaAI/JA-VLM-Bench-In-the-Wild",
        read=partial(read, _NEEDS_WILD),
    ),
)
