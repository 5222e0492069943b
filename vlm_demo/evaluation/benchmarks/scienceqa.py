"""ScienceQA: multiple choice of school science; the questions with a picture (ScienceQA-IMG).

Layouts: `problems.json` of https://scienceqa.github.io with its pictures in `test/ID/image.png`;
Parquet of derek-thomas or lmms-lab.
"""

from __future__ import annotations

from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.benchmarks.ai2d import grade
from vlm_demo.evaluation.metrics.choice_letters import letter_options
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.layout import read_list, write_options
from vlm_demo.evaluation.published.question import PublishedQuestion
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.results.pictures import QuestionImage
from vlm_demo.values import Task

_NEEDS = (
    "problems.json and the images as test/ID/image.png; or Parquet with image, question, choices "
    "and answer"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions of the test set that have a picture.

    Raises:
        InputError: see `read_questions`.
    """
    layouts = [("question", "choices", "answer", "image")]
    return read_questions(folder, layouts, _NEEDS, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion | None:
    if not row.values["image"] or row.text("split") not in {"", "test"}:
        return None
    options, answer = read_list(row.values["choices"]), row.text("answer")
    if not answer.isdigit() or int(answer) >= len(options):
        raise InputError(f"{row.path} has a question without an option number {answer!r:.20}.")
    return PublishedQuestion(
        id=row.text("key") or row.identity,
        task=Task.CHAT,
        text=write_options(row.text("question"), options, row.text("hint")),
        images=(_find_image(row),),
        truth={"options": options, "answer": list(letter_options(options))[int(answer)]},
        group=row.text("subject"),
    )


def _find_image(row: BenchmarkRow) -> QuestionImage:
    if "key" in row.values:  # of problems.json: each question has a folder of its own
        return row.pictures.find(f"test/{row.text('key')}/{row.text('image')}")
    return row.picture("image")


PUBLISHED = PublishedBenchmark(
    name="scienceqa",
    title="ScienceQA-IMG",
    needs=_NEEDS,
    rule="the letter, read by MMBench's rules; what they cannot read is wrong",
    source="https://scienceqa.github.io",
    measure="accuracy",
    read=read,
    grade=grade,
    harness_task="scienceqa_img",
)
