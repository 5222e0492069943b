"""VQAv2: short answers on which ten people agree more or less.

Layouts: `v2_OpenEnded_mscoco_val2014_questions.json` and `v2_mscoco_val2014_annotations.json` of
https://visualqa.org with COCO's pictures; Parquet of lmms-lab. Answers are written as EvalAI writes
them before the script compares them, as those who publish figures do before they hand them in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vlm_demo.errors import InputError
from vlm_demo.evaluation.metrics.vqa import normalize_evalai, vqa_accuracy
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.pictures import PictureFolder
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_questions
from vlm_demo.evaluation.published.tables import list_tables, read_json
from vlm_demo.results.pictures import QuestionImage
from vlm_demo.values import Task

_NEEDS = (
    "the questions and the annotations of VQAv2 as JSON with the images of COCO; or Parquet with "
    "question_id, image, question and answers"
)


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions that have answers.

    Raises:
        InputError: the folder has another layout, a file is broken, or pictures are missing.
    """
    pictures = PictureFolder(folder)
    questions = list(_read_official(folder, pictures))
    if not questions:
        layouts = [("question_id", "image", "question", "answers")]
        return read_questions(folder, layouts, _NEEDS, _read_row)
    pictures.check()
    return questions


def _read_row(row: BenchmarkRow) -> PublishedQuestion:
    return _question(
        row.text("question_id"),
        row.text("question"),
        row.picture("image"),
        row.texts("answers"),
        row.text("answer_type"),
    )


def _read_official(folder: Path, pictures: PictureFolder) -> Iterator[PublishedQuestion]:
    asked: dict[Any, Any] = {}
    answered: dict[Any, Any] = {}
    for path in list_tables(folder):
        if path.suffix != ".json":
            continue
        content = read_json(path)
        if not isinstance(content, dict):
            continue
        try:
            asked |= {one["question_id"]: (one, path) for one in content.get("questions", ())}
            if "annotations" in content:
                answered |= {one["question_id"]: one for one in content["annotations"]}
        except (KeyError, TypeError):
            continue  # a file of another data set
    for identity, (one, path) in asked.items():
        if identity not in answered:
            continue
        truth = answered[identity]
        try:
            part = next(name for name in ("val2014", "train2014", "test2015") if name in path.name)
            picture = pictures.find(f"COCO_{part}_{int(one['image_id']):012d}.jpg")
            answers = [answer["answer"] for answer in truth["answers"]]
            yield _question(
                str(identity), one["question"], picture, answers, truth.get("answer_type", "")
            )
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            raise InputError(f"{path} has a question that cannot be used: {one!r:.80}.") from error


def _question(
    identity: str, text: str, image: QuestionImage, answers: list[str], kind: str
) -> PublishedQuestion:
    return PublishedQuestion(identity, Task.VQA, text, (image,), {"answers": answers}, kind)


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Compare with the ten answers."""
    said = normalize_evalai(answer.text)
    return QuestionScore(said, vqa_accuracy(said, question.truth["answers"]))


PUBLISHED = PublishedBenchmark(
    name="vqav2",
    title="VQAv2",
    needs=_NEEDS,
    rule="VQA accuracy of the official script: agreement with ten people, after normalisation",
    source="https://visualqa.org",
    measure="accuracy",
    read=read,
    grade=grade,
    harness_task="vqav2_val",
)
