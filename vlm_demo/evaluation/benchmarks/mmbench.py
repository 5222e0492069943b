"""MMBench: multiple choice, right only in every order of the options (CircularEval).

Layouts: the TSV of https://github.com/open-compass/MMBench, with pictures in base64, with or
without the rows of the other orders (their index is larger by millions); Parquet of lmms-lab.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.metrics.choice_letters import letter_options, read_choice
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.layout import write_options
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.evaluation.published.tables import Row, read_rows
from vlm_demo.results.pictures import EncodedImage, ParquetImage, QuestionImage
from vlm_demo.values import Task

_NEEDS = "mmbench_dev_en.tsv or the like, or Parquet, with index, question, A, B, answer and image"

_ORDERS = 1_000_000
"""What the index of a question's other orders is larger by, once for each."""

_LONGEST_INDEX = 16
"""A picture that is written shorter is the index of the row that has it."""


def read(folder: Path) -> list[PublishedQuestion]:
    """Return a question for each order of the options.

    Raises:
        InputError: the folder has another layout, a row is broken, or a picture is missing.
    """
    rows = read_rows(folder, [("index", "question", "A", "B", "answer", "image")], _NEEDS)
    first = [row for row in rows if _index(row) < _ORDERS]
    images = {row.text("index"): row.values["image"] for row in rows}
    return [one for row in first for one in _read_orders(row, _find_image(row, images))]


def _index(row: Row) -> int:
    try:
        return int(float(row.text("index")))
    except ValueError as error:
        raise InputError(f"{row.path} has the index {row.text('index')!r:.40}.") from error


def _find_image(row: Row, images: dict[str, object]) -> QuestionImage:
    image = row.values["image"]
    for _ in range(2):
        if isinstance(image, str) and len(image) <= _LONGEST_INDEX and image in images:
            image = images[image]
    if isinstance(image, ParquetImage):
        return image
    if isinstance(image, str) and len(image) > _LONGEST_INDEX:
        return EncodedImage(image)
    raise InputError(f"{row.path} has no image for the question {row.text('index')}.")


def _read_orders(row: Row, image: QuestionImage) -> Iterator[PublishedQuestion]:
    """Yield the question with its options in every rotation."""
    options = [row.text(letter) for letter in "ABCDEFGH" if _is_given(row.text(letter))]
    answer = row.text("answer").strip()
    if len(answer) != 1 or not "A" <= answer < chr(ord("A") + len(options)):
        raise InputError(f"{row.path} has the answer {answer!r:.40} to {row.text('index')}.")
    right = options[ord(answer) - ord("A")]
    hint = row.text("hint") if _is_given(row.text("hint")) else ""
    for turn in range(len(options)):
        turned = options[turn:] + options[:turn]
        letter = "ABCDEFGH"[turned.index(right)]
        yield PublishedQuestion(
            id=f"{row.path.stem}-{row.text('index')}-{turn}",
            task=Task.CHAT,
            text=write_options(row.text("question"), turned, hint),
            images=(image,),
            truth={"options": turned, "answer": letter},
            group=row.text("category") or row.text("l2-category"),
            unit=f"{row.path.stem}-{row.text('index')}",
        )


def _is_given(words: str) -> bool:
    return bool(words) and words.lower() != "nan"  # as pandas writes an empty cell


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Read the letter."""
    letter = read_choice(answer.text, letter_options(question.truth["options"]))
    return QuestionScore(letter or "", float(letter == question.truth["answer"]))


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return the share of questions that are right in every order, and in the first one."""
    units: dict[str, list[float]] = defaultdict(list)
    for one in graded:
        units[one.question.unit].append(one.verdict.score or 0.0)
    circular = [min(scores) for scores in units.values()]
    first = [scores[0] for scores in units.values()]
    return Summary(
        {
            "circular_accuracy": sum(circular) / len(circular) if circular else None,
            "first_order_accuracy": sum(first) / len(first) if first else None,
            "unreadable": sum(not one.verdict.prediction for one in graded),
        },
        circular,
        {"letters": "read by rules, without a judge"},
    )


PUBLISHED = PublishedBenchmark(
    name="mmbench",
    title="MMBench",
    needs=_NEEDS,
    rule="CircularEval: right in every rotation of the options; letters read by rules, no judge",
    source="https://github.com/open-compass/MMBench",
    measure="circular_accuracy",
    read=read,
    grade=grade,
    summarize=summarize,
    harness_task="mmbench_en_dev",
)
