"""COCO's detection JSON: one file beside its pictures, or a folder with such a file.

`bbox` is x, y, width and height in pixels (https://cocodataset.org/#format-data). Crowds, which
stand for no single thing, are left out. A picture without a box is one on which nothing is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.evaluation.labelled_folder import CocoAnnotation, CocoFile, CocoImage, read_coco_file
from vlm_demo.training.data.box_questions import BoxQuestions
from vlm_demo.training.data.examples import (
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
)
from vlm_demo.training.data.forms import DataForm, ReadRow, attempt, find_keys
from vlm_demo.training.data.labelled_pictures import find_image, find_turn, make_box, turn_box
from vlm_demo.values import Box

_KEYS = frozenset({"images", "annotations", "categories"})


def recognize(path: Path) -> bool:
    """Whether a file has COCO's keys, or a folder a file with them."""
    return bool(_find_files(path))


def read(path: Path) -> Iterator[ReadRow]:
    """Yield the pictures of a file, or of all files of a folder.

    Raises:
        InputError: there is no such file, or one is damaged.
    """
    files = _find_files(path)
    if not files:
        raise InputError(f"There is no JSON file in COCO's format in {path}.")
    for file in files:
        reader = _CocoReader(file, read_coco_file(file))
        for image in reader.data.images:
            yield attempt(image.file_name, reader.read, image)


def _find_files(path: Path) -> list[Path]:
    candidates = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if path.is_dir():
        candidates += sorted(path.glob("annotations/*.json"))
    return [one for one in candidates if one.suffix == ".json" and _looks_like_coco(one)]


def _looks_like_coco(path: Path) -> bool:
    keys = find_keys(path)
    return len(_KEYS & keys) >= 1 and bool(keys & {"file_name", "bbox", "supercategory"})


class _CocoReader:
    """Reads the pictures of one file."""

    def __init__(self, path: Path, data: CocoFile) -> None:
        self.path, self.data = path, data
        self._names = {category.id: category.name for category in self.data.categories}
        self._boxes: dict[int, list[CocoAnnotation]] = defaultdict(list)
        for annotation in self.data.annotations:
            if not annotation.iscrowd:
                self._boxes[annotation.image_id].append(annotation)
        self._questions = BoxQuestions(self._names.values())

    def read(self, image: CocoImage) -> Iterator[TrainingExample]:
        folder = self.path.parent
        if folder.name == "annotations":
            folder = folder.parent
        file = find_image(folder, image.file_name)
        size = round(image.width), round(image.height)
        orientation = find_turn(file, size)
        boxes: dict[str, list[Box]] = {}
        for annotation in self._boxes.get(image.id, ()):
            name = self._name(annotation)
            x, y, width, height = annotation.bbox
            box = make_box(x, y, x + width, y + height, by=size)
            boxes.setdefault(name, []).append(turn_box(box, orientation))
        yield from self._questions.ask(TrainingImage(file), boxes, image.file_name)

    def _name(self, annotation: CocoAnnotation) -> str:
        if annotation.category_id not in self._names:
            raise RowError(
                RefusalReason.UNKNOWN_CLASS,
                f"{self.path.name} names no category {annotation.category_id}",
            )
        return self._names[annotation.category_id]


FORM = DataForm("coco", "COCO: a JSON file of boxes beside its images", recognize, read)
