"""ScienceQA: multiple choice of school science; the questions with a picture (ScienceQA-IMG).

Layouts: `problems.json` of https://scienceqa.github.io with its pictures in `test/ID/image.png`;
Parquet of derek-thomas or lmms-lab.
"""

from __future__ import annotations

from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.benchmarks.ai2d import grade
from vlm_demo.evaluation.metrics.choice_letters import letter_options
from vlm_demo.evaluation.published.layout import find_picture, read_list, write_options
from vlm_demo.evaluation.published.pictures import PictureFolder
from vlm_demo.evaluation.published.question import PublishedBenchmark, PublishedQuestion
from vlm_demo.evaluation.published.tables import Row, read_rows
from vlm_demo.values import Task

_NEEDS = (
    "problems.json and the pictures as test/ID/image.png; or Parquet with image, question, choices "
    "and answer"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions of the test set that have a picture.

    Raises:
        InputError: the folder has another layout, a file is broken, or pictures are missing.
    """
    pictures = PictureFolder(folder)
    rows = read_rows(folder, [("question", "choices", "answer", "image")], _NEEDS)
    questions = [
        _read_row(number, row, pictures)
        for number, row in enumerate(rows)
        if row.values["image"] and row.text("split") in {"", "test"}
    ]
    if not questions:
        raise InputError(f"No question of the test set in {folder} has a picture.")
    pictures.check()
    return questions


def _read_row(number: int, row: Row, pictures: PictureFolder) -> PublishedQuestion:
    options, answer = read_list(row.values["choices"]), row.text("answer")
    if not answer.isdigit() or int(answer) >= len(options):
        raise InputError(f"{row.path} has a question without an option number {answer!r:.20}.")
    if "key" in row.values:  # of problems.json: each question has a folder of its own
        image = pictures.find(f"test/{row.text('key')}/{row.text('image')}")
    else:
        image = find_picture(row, pictures, "image")  # type: ignore[assignment]
    return PublishedQuestion(
        id=row.text("key") or f"{row.path.stem}-{number}",
        task=Task.CHAT,
        text=write_options(row.text("question"), options, row.text("hint")),
        images=(image,),
        truth={"options": options, "answer": list(letter_options(options))[int(answer)]},
        group=row.text("subject"),
    )


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
