"""JSON lines with boxes, one picture a line: as `vlm-demo batch` and the page's export write them.

    {"picture": "a.jpg", "items": [{"phrase": "cat", "boxes_xyxy_px": [[10, 20, 110, 120]]}]}
    {"picture": "a.jpg", "question": "What is on the sofa?", "text": "a cat", "items": [...]}

The picture may also be called `image`, `name` or `file_name`, and is looked for beside the file. A
phrase may also be called `label`, and its boxes `boxes`: then they are fractions of the picture.
`size` [width, height] is that of the picture which the pixels are of; without it, the upright one.
With a `question` (and `task`), the line is one question, which is "" for a caption; without, its
things are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from vlm_demo.errors import describe_validation_error
from vlm_demo.training.data.box_questions import BoxQuestions
from vlm_demo.training.data.examples import (
    RefusalReason,
    RowError,
    TrainingExample,
    TrainingImage,
    TrainingTurn,
)
from vlm_demo.training.data.forms import DataForm, ReadRow, attempt, find_keys, read_records
from vlm_demo.training.data.labelled_pictures import (
    find_image,
    find_turn,
    make_box,
    read_header,
    turn_box,
)
from vlm_demo.training.data.reply_parts import to_parts
from vlm_demo.values import Box, Mention, Size, Task

_PICTURE_KEYS = ("picture", "image", "file_name", "name")
_Corners = tuple[float, float, float, float]


class _Item(BaseModel):
    phrase: str = ""
    label: str = ""
    target: str = ""
    boxes_xyxy_px: list[_Corners] = Field([])
    boxes: list[_Corners] = Field([])

    @property
    def name(self) -> str:
        return self.target or self.phrase or self.label


class _LabelledLine(BaseModel):
    items: list[_Item]
    size: tuple[int, int] | None = None
    question: str | None = None
    task: Task = Task.CHAT
    text: str = ""


def recognize(path: Path) -> bool:
    """Whether a file has lines with items."""
    keys = find_keys(path) if path.suffix in (".json", ".jsonl") else frozenset()
    return "items" in keys and bool(keys & {"phrase", "label", *_PICTURE_KEYS})


def read(path: Path) -> Iterator[ReadRow]:
    """Yield the pictures of a file.

    Raises:
        InputError: it cannot be read.
    """
    reader = _Reader(path)
    for source, found in read_records(path):
        if isinstance(found, RowError):
            yield ReadRow(source, error=found)
        elif "error" not in found:  # a picture that a batch could not do
            yield attempt(source, reader.read, found, source)


class _Reader:
    """Reads the lines of one file."""

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        names = {
            str(item.get("phrase") or item.get("label") or ""): None
            for _, found in read_records(path)
            if isinstance(found, dict)
            for item in _objects(found.get("items"))
        }
        self._questions = BoxQuestions(name for name in names if name)

    def read(self, record: Mapping[str, Any], source: str) -> Iterator[TrainingExample]:
        try:
            line = _LabelledLine.model_validate(record)
        except ValidationError as error:
            raise RowError(
                RefusalReason.UNREADABLE_ROW, describe_validation_error(error)
            ) from error
        name = next((str(record[key]) for key in _PICTURE_KEYS if record.get(key)), "")
        if not name:
            raise RowError(RefusalReason.NO_IMAGE)
        path = find_image(self._folder, name)
        image = TrainingImage(path)
        boxes = [(item.name, _read_boxes(item, line.size, path)) for item in line.items]
        if line.question is not None:
            mentions = [Mention(name, (0, 0), tuple(own)) for name, own in boxes]
            answer = to_parts(line.task, line.text, mentions, _targets(line, mentions))
            if not answer:
                raise RowError(RefusalReason.NO_ANSWER)
            turn = TrainingTurn(line.task, line.question, answer, (image,))
            yield TrainingExample((turn,), source)
            return
        named: dict[str, list[Box]] = {}
        for name, own in boxes:
            if not name:
                raise RowError(RefusalReason.UNKNOWN_CLASS, "a box has no phrase")
            if own:
                named.setdefault(name, []).extend(own)
        yield from self._questions.ask(image, named, source)


def _targets(line: _LabelledLine, mentions: Sequence[Mention]) -> list[str]:
    return [] if any(one.regions for one in mentions) else [line.question or ""]


def _read_boxes(item: _Item, size: Size | None, path: Path) -> list[Box]:
    fractions = [make_box(*box, by=(1, 1)) for box in item.boxes]
    if not item.boxes_xyxy_px:
        read_header(path)
        return fractions
    if size is None:
        stored, orientation = read_header(path)
        size = (stored[1], stored[0]) if orientation >= 5 else stored
        orientation = 1
    else:
        orientation = find_turn(path, size)
    boxes = (make_box(*box, by=size) for box in item.boxes_xyxy_px)
    return [*fractions, *(turn_box(box, orientation) for box in boxes)]


def _objects(value: object) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]


FORM = DataForm("boxes", "JSON lines: an image and its boxes in each", recognize, read)
