"""MMMU: questions of university subjects, multiple choice and open, with up to seven pictures.

Layout: Parquet of MMMU/MMMU (https://mmmu-benchmark.github.io). `<image 1>` in a question stays: it
names the first picture, and the pictures come before the text.
"""

from __future__ import annotations

import re
from pathlib import Path

from vlm_demo.evaluation.metrics.choice_letters import letter_options
from vlm_demo.evaluation.metrics.mmmu import is_right_open, read_mmmu_choice
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.layout import read_list, write_options
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.results.pictures import QuestionImage
from vlm_demo.values import Task

_NEEDS = "Parquet (or JSON lines) with id, question, options, answer, question_type and image_1"

_IMAGE = re.compile(r"<image (\d)>")

_SUBJECT = re.compile(r"^[a-z]+_(.+)_\d+$")
"""The subject in an id such as validation_Art_1."""

_OPEN_INSTRUCTION = "Answer the question using a single word or phrase."
"""What follows an open question, as in LLaVA-1.5 (https://arxiv.org/abs/2310.03744)."""


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions that have an answer.

    Raises:
        InputError: see `read_questions`.
    """
    columns = ("id", "question", "options", "answer", "question_type", "image_1")
    return read_questions(folder, [columns], _NEEDS, _read_row)


def _read_row(row: BenchmarkRow) -> PublishedQuestion | None:
    if row.text("answer") in {"", "?"}:
        return None
    options = read_list(row.values["options"])
    subject = _SUBJECT.match(row.text("id"))
    is_choice = row.text("question_type") == "multiple-choice"
    question = row.text("question")
    text = write_options(question, options) if is_choice else f"{question}\n{_OPEN_INSTRUCTION}"
    answers = read_list(row.values["answer"]) or [row.text("answer")]
    return PublishedQuestion(
        id=row.text("id"),
        task=Task.CHAT,
        text=text,
        images=tuple(_find_images(row, text)),
        truth={"answers": answers, "options": options if is_choice else []},
        group=subject[1] if subject else "",
    )


def _find_images(row: BenchmarkRow, text: str) -> list[QuestionImage]:
    """Return the pictures that the text names, in the order of their numbers; else the first."""
    numbers = sorted(set(_IMAGE.findall(text))) or ["1"]
    return [row.picture(f"image_{number}") for number in numbers]


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Read the letter, or compare the open answer."""
    answers, options = question.truth["answers"], question.truth["options"]
    if not options:
        return QuestionScore(answer.text.strip(), float(is_right_open(answer.text, answers)))
    letter = read_mmmu_choice(answer.text, letter_options(options))
    return QuestionScore(letter or "", float(letter in answers))


PUBLISHED = PublishedBenchmark(
    name="mmmu",
    title="MMMU",
    needs=_NEEDS,
    rule="the script's reading of letters, numbers and words; what it cannot read is wrong, where "
    "the script guesses",
    source="https://mmmu-benchmark.github.io",
    measure="accuracy",
    read=read,
    grade=grade,
    harness_task="mmmu_val",
)
