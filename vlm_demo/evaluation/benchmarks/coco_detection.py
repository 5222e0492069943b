"""COCO detection: find every object of the classes.

Layout: `instances_val2017.json` or another file in COCO's format (https://cocodataset.org), and the
pictures. Each picture is asked for all classes, some at a time. The confidence of a box is the
probability of its tokens, 1 where that is not known: most models give no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from vlm_demo.errors import InputError, describe_validation_error
from vlm_demo.evaluation.metrics.detection import FoundBox, average_precision, count_matches, f1
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.pictures import PictureFolder
from vlm_demo.evaluation.published.question import (
    Answer,
    LabelledBox,
    PublishedQuestion,
    QuestionScore,
)
from vlm_demo.evaluation.published.summary import Graded, Summary
from vlm_demo.evaluation.published.tables import describe_layout, list_tables, read_json
from vlm_demo.prompting.targets import MAX_TARGETS, quote_target
from vlm_demo.values import Box, Task

_NEEDS = "instances_val2017.json or another file in COCO's format, and its images"


class _NamedBox(BaseModel):
    id: int
    name: str


class _Sized(BaseModel):
    id: int
    file_name: str
    width: int
    height: int


class _Labelled(BaseModel):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]  # x, y, width, height in pixels
    area: float | None = None
    iscrowd: int = 0


class _Instances(BaseModel):
    images: list[_Sized]
    annotations: list[_Labelled]
    categories: list[_NamedBox]


def read(folder: Path) -> list[PublishedQuestion]:
    """Return the questions: one for some classes on one picture.

    Raises:
        InputError: the folder has another layout, a file is broken, or pictures are missing.
    """
    pictures = PictureFolder(folder)
    questions: list[PublishedQuestion] = []
    others = []
    for path in list_tables(folder):
        content = read_json(path) if path.suffix == ".json" else None
        if isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys():
            questions += _read_instances(path, content, pictures)
        else:
            others.append(path.name)
    if not questions:
        raise InputError(describe_layout(folder, _NEEDS, others))
    pictures.check()
    return questions


def _read_instances(
    path: Path, content: object, pictures: PictureFolder
) -> Iterator[PublishedQuestion]:
    try:
        data = _Instances.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {describe_validation_error(error)}.") from error
    names = {one.id: one.name for one in data.categories}
    labels: dict[int, list[_Labelled]] = defaultdict(list)
    for one in data.annotations:
        if one.category_id not in names:
            raise InputError(f"{path} names no category {one.category_id}.")
        labels[one.image_id].append(one)
    numbers = list(names)
    for image in data.images:
        picture = pictures.find(image.file_name)
        for start in range(0, len(numbers), MAX_TARGETS):
            asked = numbers[start : start + MAX_TARGETS]
            yield PublishedQuestion(
                id=f"{path.stem}-{image.id}-{start}",
                task=Task.DETECT,
                text=", ".join(quote_target(names[number]) for number in asked),
                images=(picture,),
                truth={
                    "image": {"id": image.id, "width": image.width, "height": image.height},
                    "categories": {str(number): names[number] for number in asked},
                    "annotations": [
                        one.model_dump(exclude_none=True)
                        for one in labels[image.id]
                        if one.category_id in asked
                    ],
                },
                unit=f"{path.stem}-{image.id}",
            )


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Keep the boxes: the score follows from all pictures together."""
    numbers = _numbers(question)
    known = [box for box in answer.boxes if box.label.casefold() in numbers]
    return QuestionScore(f"{len(known)} of {len(answer.boxes)} boxes are of a class", None)


def summarize(graded: Sequence[Graded]) -> Summary:
    """Return the average precision, and F1 at IoU 0.5, which needs no confidences."""
    found = [box for one in graded for box in _boxes_of_answer(one)]
    has_confidences = any(box.confidence is not None for one in graded for box in one.answer.boxes)
    right, present = _count(graded)
    scores: dict[str, float | int | None] = dict(average_precision(_dataset(graded), found))
    scores["f1_50"] = f1(right, len(found), present)
    source = "probabilities of the boxes' tokens" if has_confidences else "none: all boxes have 1"
    return Summary(scores, (), {"confidences": source})


def _numbers(question: PublishedQuestion) -> dict[str, int]:
    categories = question.truth["categories"]
    return {name.casefold(): int(number) for number, name in categories.items()}


def _boxes_of_classes(one: Graded) -> Iterator[tuple[int, LabelledBox]]:
    """Yield the boxes of an answer that are of a class, with its number."""
    numbers = _numbers(one.question)
    for box in one.answer.boxes:
        if box.label.casefold() in numbers:
            yield numbers[box.label.casefold()], box


def _boxes_of_answer(one: Graded) -> Iterator[FoundBox]:
    image = one.question.truth["image"]
    for category, box in _boxes_of_classes(one):
        x1, y1, x2, y2 = box.box.to_pixels((image["width"], image["height"]))
        score = 1.0 if box.confidence is None else box.confidence
        yield FoundBox(image["id"], category, (x1, y1, x2 - x1, y2 - y1), score)


def _dataset(graded: Sequence[Graded]) -> dict[str, Any]:
    truths = [one.question.truth for one in graded]
    categories = {number: name for one in truths for number, name in one["categories"].items()}
    return {
        "images": list({one["image"]["id"]: one["image"] for one in truths}.values()),
        "annotations": [note for one in truths for note in one["annotations"]],
        "categories": [{"id": int(number), "name": name} for number, name in categories.items()],
    }


def _count(graded: Sequence[Graded]) -> tuple[int, int]:
    """Return how many boxes are right, and how many labels there are, crowds left out."""
    right = present = 0
    for one in graded:
        size = one.question.truth["image"]
        truths: dict[int, list[Box]] = defaultdict(list)
        for note in one.question.truth["annotations"]:
            if not note["iscrowd"]:
                x, y, width, height = note["bbox"]
                by = size["width"], size["height"]
                box = Box.normalize(x, y, x + width, y + height, by=by)
                truths[note["category_id"]].append(box)
                present += 1
        found: dict[int, list[Box]] = defaultdict(list)
        for category, labelled in _boxes_of_classes(one):
            found[category].append(labelled.box)
        right += sum(count_matches(boxes, truths[number]) for number, boxes in found.items())
    return right, present


PUBLISHED = PublishedBenchmark(
    name="coco-detection",
    title="COCO detection",
    needs=_NEEDS,
    rule="average precision by pycocotools with the confidence of a box's tokens; F1 at IoU 0.5 "
    "beside it",
    source="https://cocodataset.org",
    measure="ap",
    read=read,
    grade=grade,
    summarize=summarize,
)
