"""YOLO: `images/NAME.jpg` with `labels/NAME.txt`, and data.yaml with the names of the classes.

A line is a box: class, centre x, centre y, width and height, in fractions of the upright picture
(https://docs.ultralytics.com/datasets/detect/). More numbers than five are the outline of the
thing, around which the box is drawn. The folders may have one of `train` or `val` below them. An
empty file of labels says that nothing is there; a picture without one is not labelled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from vlm_demo.errors import InputError
from vlm_demo.training.data.box_questions import BoxQuestions
from vlm_demo.training.data.examples import (
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
)
from vlm_demo.training.data.forms import DataForm, ReadRow, attempt
from vlm_demo.training.data.labelled_pictures import IMAGE_ENDINGS, make_box, read_header
from vlm_demo.values import Box

_NAMES = re.compile(r"^names\s*:[ \t]*(?P<inline>[^\n#]*)\n?(?P<block>(?:[ \t-]+[^\n]*\n?)*)", re.M)
_ENTRY = re.compile(r"^\s*(?:-|[0-9]+\s*:)\s*(?P<name>.+?)\s*$", re.M)
_INLINE = re.compile(r"(?:[0-9]+\s*:\s*)?(?P<name>\"[^\"]*\"|'[^']*'|[^,{}\[\]]+)")


def recognize(path: Path) -> bool:
    """Whether a folder has `labels`, or a data.yaml with names; or a file is that."""
    folder = path.parent if path.suffix in (".yaml", ".yml") else path
    return folder.is_dir() and (any(folder.glob("data.y*ml")) or (folder / "labels").is_dir())


def read(path: Path) -> Iterator[ReadRow]:
    """Yield the labelled pictures of a folder.

    Raises:
        InputError: there are none, or nothing names the classes.
    """
    folder = path.parent if path.suffix in (".yaml", ".yml") else path
    names = read_names(folder)
    labels = sorted(
        file
        for file in folder.rglob("*.txt")
        if "labels" in file.relative_to(folder).parts and file.name != "classes.txt"
    )
    if not labels:
        raise InputError(f"There are no labels in {folder}: it needs images/ and labels/.")
    questions = BoxQuestions(names)
    for file in labels:
        yield attempt(
            str(file.relative_to(folder)),
            _read_picture,
            folder,
            file,
            names,
            questions,
        )


def read_names(folder: Path) -> list[str]:
    """Return the names of the classes, from data.yaml or classes.txt.

    Raises:
        InputError: there is neither, or it names none.
    """
    for file in sorted(folder.glob("data.y*ml")):
        if names := _parse_names(file.read_text("utf-8", "replace")):
            return names
    for file in (folder / "classes.txt", folder / "labels" / "classes.txt"):
        if file.is_file():
            lines = file.read_text("utf-8", "replace").splitlines()
            return [line.strip() for line in lines if line.strip()]
    raise InputError(
        f"Nothing in {folder} names the classes. Add data.yaml with names, or classes.txt "
        "with a line for each."
    )


def _parse_names(text: str) -> list[str]:
    """Return the list or the mapping of `names`, in either way in which YAML writes them."""
    found = _NAMES.search(text)
    if not found:
        return []
    inline = found["inline"].strip()
    pattern = _INLINE if inline else _ENTRY
    matches = pattern.finditer(inline or found["block"])
    names = (match["name"].strip().strip("\"'") for match in matches)
    return [name for name in names if name]


def _read_picture(
    folder: Path, labels: Path, names: Sequence[str], questions: BoxQuestions
) -> Iterator[TrainingExample]:
    image = _find_picture(folder, labels)
    read_header(image)
    boxes: dict[str, list[Box]] = {}
    for number, line in enumerate(labels.read_text("utf-8", "replace").splitlines(), start=1):
        if line.strip():
            name, box = _read_line(line, number, names)
            boxes.setdefault(name, []).append(box)
    yield from questions.ask(TrainingImage(image), boxes, image.name)


def _find_picture(folder: Path, labels: Path) -> Path:
    parts = list(labels.relative_to(folder).parts)
    parts[parts.index("labels")] = "images"
    beside = folder.joinpath(*parts)
    for path in (beside, labels):
        for candidate in sorted(path.parent.glob(f"{_escape(path.stem)}.*")):
            if candidate.suffix.lower() in IMAGE_ENDINGS:
                return candidate
    raise RowError(RefusalReason.MISSING_IMAGE, f"there is no image {labels.stem} in images")


def _escape(stem: str) -> str:
    return re.sub(r"([\[*?])", r"[\1]", stem)


def _read_line(line: str, number: int, names: Sequence[str]) -> tuple[str, Box]:
    try:
        kind, *numbers = (float(value) for value in line.split())
    except ValueError as error:
        raise RowError(RefusalReason.UNREADABLE_ROW, f"line {number} is no label") from error
    if not 0 <= kind < len(names):
        raise RowError(RefusalReason.UNKNOWN_CLASS, f"line {number}: there is no class {kind:g}")
    if len(numbers) >= 6 and len(numbers) % 2 == 0:
        xs, ys = numbers[::2], numbers[1::2]
        corners = min(xs), min(ys), max(xs), max(ys)
    elif len(numbers) in (4, 5):  # the fifth says how sure a detector was
        x, y, width, height = numbers[:4]
        corners = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    else:
        raise RowError(RefusalReason.UNREADABLE_ROW, f"line {number} is no label")
    return names[int(kind)], make_box(*corners, by=(1, 1))


FORM = DataForm("yolo", "YOLO: images/, labels/ and data.yaml", recognize, read)
