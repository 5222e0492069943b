"""Reads a folder of labelled pictures: YOLO labels, or boxes in COCO's JSON.

* YOLO: `images/NAME.jpg` with `labels/NAME.txt`, a line a box: class, centre x, centre y, width and
  height, in fractions of the picture (https://docs.ultralytics.com/datasets/detect/). The classes'
  names are the lines of `classes.txt`; without that file they are COCO's 80.
* COCO: one JSON file with `images`, `annotations` and `categories`; `bbox` is x, y, width and
  height in pixels (https://cocodataset.org/#format-data). The pictures lie in the folder, in its
  `images`, or in a folder below it with the name that the JSON gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from vlm_demo.engines.detector.vocabulary import Language, coco_classes, find_class
from vlm_demo.errors import InputError
from vlm_demo.evaluation.json_files import read_json_file
from vlm_demo.values import Box

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """A picture and what is on it."""

    path: Path
    boxes: Mapping[str, tuple[Box, ...]]
    """The boxes of each class that is there, by its name."""


class CocoCategory(BaseModel):
    """A class, in COCO's JSON."""

    id: int
    name: str


class CocoImage(BaseModel):
    """A picture, in COCO's JSON."""

    id: int
    file_name: str
    width: float
    height: float


class CocoAnnotation(BaseModel):
    """A box, in COCO's JSON: x, y, width and height in pixels."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0


class CocoFile(BaseModel):
    """What is read of a file in COCO's format."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[CocoCategory]


def read_labelled_folder(folder: Path) -> list[LabelledImage]:
    """Return the pictures of a folder with their boxes, by name.

    Raises:
        InputError: there is no such folder, nothing is labelled there, or a label cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give one with labelled images.")
    if (folder / "labels").is_dir():
        images = list(_read_yolo(folder))
    else:
        images = [image for path in sorted(folder.glob("*.json")) for image in _read_coco(path)]
    if not images:
        raise InputError(
            f"There are no labelled images in {folder}. It needs images/ and labels/ (YOLO), or "
            "a JSON file in COCO's format beside its images."
        )
    return sorted(images, key=lambda image: image.path.name)


def _read_yolo(folder: Path) -> Iterator[LabelledImage]:
    names = _class_names(folder)
    for path in sorted((folder / "images").glob("*")):
        labels = folder / "labels" / f"{path.stem}.txt"
        if path.suffix.lower() not in _SUFFIXES or not labels.is_file():
            continue
        boxes: dict[str, list[Box]] = {}
        for number, line in enumerate(labels.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            try:
                index, x, y, width, height = (float(value) for value in line.split()[:5])
                name = names[int(index)]
            except (ValueError, IndexError) as error:
                raise InputError(f"{labels}, line {number}, is not a YOLO label.") from error
            corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            boxes.setdefault(name, []).append(Box.normalize(*corners, by=(1, 1)))
        yield LabelledImage(path, {name: tuple(own) for name, own in boxes.items()})


def _class_names(folder: Path) -> list[str]:
    path = folder / "classes.txt"
    if path.is_file():
        return [_class_name(line.strip()) for line in path.read_text("utf-8").splitlines()]
    return [names[Language.ENGLISH].singular for names in coco_classes()]


def _class_name(name: str) -> str:
    """Return the name by which one of COCO's classes is known here; other names stay."""
    number = find_class(name, Language.ENGLISH)
    if number is None:
        return name
    known = coco_classes()[number][Language.ENGLISH]
    return known.singular if name.casefold() == known.singular.casefold() else name


def read_coco_file(path: Path) -> CocoFile:
    """Return the content of a file in COCO's format.

    Raises:
        InputError: it is damaged, too large, or something else.
    """
    try:
        return CocoFile.model_validate(read_json_file(path))
    except (ValidationError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a file in COCO's format: {error}") from error


def _read_coco(path: Path) -> Iterator[LabelledImage]:
    data = read_coco_file(path)
    names = {category.id: _class_name(category.name) for category in data.categories}
    annotations: dict[int, list[CocoAnnotation]] = {}
    for annotation in data.annotations:
        if not annotation.iscrowd:
            annotations.setdefault(annotation.image_id, []).append(annotation)
    for image in data.images:
        boxes: dict[str, list[Box]] = {}
        for annotation in annotations.get(image.id, ()):
            if annotation.category_id not in names:
                raise InputError(f"{path} names no category {annotation.category_id}.")
            x, y, width, height = annotation.bbox
            box = Box.normalize(x, y, x + width, y + height, by=(image.width, image.height))
            boxes.setdefault(names[annotation.category_id], []).append(box)
        file = _find_image(path.parent, image.file_name)
        yield LabelledImage(file, {name: tuple(own) for name, own in boxes.items()})


def _find_image(folder: Path, name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"{name} does not lie in the folder {folder}.")
    for path in (folder / name, folder / "images" / name):
        if path.is_file():
            return path
    raise InputError(f"The image {name} is not in {folder}.")
