"""RefCOCO, RefCOCO+ and RefCOCOg: find what one sentence describes.

The first box of an answer counts, and it is right from IoU 0.5 on: the rule of the papers. (The
task of lmms-eval takes the best of all boxes, which is more.) Each sentence is a question.

Layouts: the `refs(...).p` and `instances.json` of https://github.com/lichengunc/refer, with COCO's
train2014 pictures; JSON lines with `bbox` as corners in pixels, as Shikra and Qwen-VL write them;
Parquet as lmms-lab publishes it, with `bbox` as x, y, width and height.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vlm_demo.errors import ImageError, InputError
from vlm_demo.evaluation.metrics.detection import is_hit
from vlm_demo.evaluation.published.benchmark import PublishedBenchmark
from vlm_demo.evaluation.published.layout import find_split, read_box
from vlm_demo.evaluation.published.pictures import PictureFolder
from vlm_demo.evaluation.published.question import Answer, PublishedQuestion, QuestionScore
from vlm_demo.evaluation.published.rows import BenchmarkRow, read_benchmark_rows
from vlm_demo.evaluation.published.tables import Row, read_json
from vlm_demo.prompting.targets import quote_target
from vlm_demo.results.pictures import QuestionImage
from vlm_demo.values import Box, Task

_NEEDS = (
    "refs(unc).p or refs(umd).p with instances.json and the images; or JSON lines with the "
    "columns image or img_path, sent or expression, bbox; or Parquet with question_id, image, "
    "answer, bbox"
)

_LAYOUTS = (
    ("img_path", "expression", "bbox"),
    ("image", "sent", "bbox"),
    ("image", "answer", "bbox"),
)


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, texts, lists and dictionaries, and refuses whatever could run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise InputError(f"The references hold {module}.{name}, which is refused: it may run code.")


def read(folder: Path) -> list[PublishedQuestion]:
    """Return a question for each sentence.

    Raises:
        InputError: the folder has another layout, a file is broken, or pictures are missing.
    """
    pictures = PictureFolder(folder)
    references = sorted(folder.rglob("refs*.p"))
    if references:
        questions = [one for path in references for one in _read_references(path, pictures)]
    else:
        rows = read_benchmark_rows(folder, _LAYOUTS, _NEEDS, pictures)
        questions = [one for row in rows for one in _read_row(row)]
    pictures.check()
    return questions


def _read_row(row: BenchmarkRow) -> Iterator[PublishedQuestion]:
    image = row.picture("image", "img_path")
    first, second, third, fourth = read_box(row.values["bbox"], row, "bbox")
    if "answer" in row.values:  # lmms-lab gives the width and height
        third, fourth = first + third, second + fourth
    sentences = row.texts("answer") or row.texts("sent") or row.texts("expression")
    size = _read_size(row, image)
    box = Box.normalize(first, second, third, fourth, by=size)
    name = row.text("question_id") or str(row.number)
    for index, sentence in enumerate(sentences):
        yield _question(
            f"{row.path.stem}-{name}-{row.number}-{index}",
            sentence,
            image,
            box,
            find_split(row.path),
        )


def _read_size(row: Row, image: QuestionImage) -> tuple[float, float]:
    width, height = row.values.get("width"), row.values.get("height")
    if isinstance(width, int | float) and isinstance(height, int | float) and width and height:
        return float(width), float(height)
    try:
        return image.open().size
    except ImageError as error:
        raise InputError(f"An image of {row.path} cannot be used: {error}") from error


def _read_references(path: Path, pictures: PictureFolder) -> Iterator[PublishedQuestion]:
    instances = path.with_name("instances.json")
    if not instances.is_file():
        raise InputError(f"{path} needs instances.json beside it.")
    data = read_json(instances)
    try:
        boxes = {one["id"]: one["bbox"] for one in data["annotations"]}
        images = {one["id"]: one for one in data["images"]}
        for reference in _unpickle(path):
            image = images[reference["image_id"]]
            x, y, width, height = boxes[reference["ann_id"]]
            size = image["width"], image["height"]
            box = Box.normalize(x, y, x + width, y + height, by=size)
            picture = pictures.find(image["file_name"])
            if reference["split"] == "train":
                continue
            for sentence in reference["sentences"]:
                identity = f"{reference['ref_id']}-{sentence['sent_id']}"
                yield _question(identity, sentence["sent"], picture, box, reference["split"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} and {instances} do not fit together: {error!r}") from error


def _unpickle(path: Path) -> Any:
    try:
        return _PlainUnpickler(io.BytesIO(path.read_bytes()), encoding="utf-8").load()
    except InputError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise InputError(f"{path} is damaged: {error}") from error


def _question(
    identity: str, sentence: str, image: QuestionImage, box: Box, split: str
) -> PublishedQuestion:
    truth = {"sentence": sentence, "box": list(box.corners)}
    text = quote_target(sentence.strip())
    return PublishedQuestion(identity, Task.GROUNDING, text, (image,), truth, split)


def grade(question: PublishedQuestion, answer: Answer) -> QuestionScore:
    """Compare the first box with the right one."""
    truth = Box(*question.truth["box"])
    found: Sequence[Box] = [one.box for one in answer.boxes]
    prediction = " ".join(f"{value:.3f}" for value in found[0].corners) if found else ""
    return QuestionScore(prediction, float(is_hit(found, truth)))


_benchmark = partial(
    PublishedBenchmark,
    needs=_NEEDS,
    rule="the first box has IoU 0.5 or more, for each sentence; each split apart",
    source="https://github.com/lichengunc/refer",
    measure="accuracy",
    read=read,
    grade=grade,
)

PUBLISHED = _benchmark(name="refcoco", title="RefCOCO", harness_task="refcoco_bbox_rec_val")
PUBLISHED_RELATIVES = (
    _benchmark(name="refcoco-plus", title="RefCOCO+", harness_task="refcoco+_bbox_rec_val"),
    _benchmark(name="refcocog", title="RefCOCOg", harness_task="refcocog_bbox_rec_val"),
)
