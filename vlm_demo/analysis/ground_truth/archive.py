"""A benchmark of one's own as one ZIP: `benchmark.jsonl`, and the pictures as they were added.

A line is a question: `picture` (a file of the ZIP), `name`, `task`, `words`, `truth` (the right
regions: boxes_xyxy_px, points_px, polygons_px, in pixels of the upright picture), and `answers`,
the regions that each model found.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from pydantic import BaseModel, Field, ValidationError

from vlm_demo.atomic_file import atomic_write
from vlm_demo.errors import ImageError, InputError, describe_validation_error
from vlm_demo.images import MAX_BYTES, MAX_PIXELS, open_image
from vlm_demo.markup.region_json import RegionsInPixelsModel, regions_to_px
from vlm_demo.values import Region, Size, Task

LISTING = "benchmark.jsonl"
"""Name of the file in the ZIP that lists the questions."""

MAX_QUESTIONS = 1000
"""Largest number of questions in one benchmark."""

MAX_LISTING_BYTES = 20_000_000
"""Largest size of the list of questions."""

_MAX_NAME = 200  # characters of a picture's name, and of a model's

_ZIP_ERRORS = (
    *(BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError, OSError, ValueError),
)
"""What zipfile raises for archives that are damaged, encrypted, or packed in a rare way."""


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question about a picture whose right places a person has drawn."""

    image: Path
    size: Size  # of the picture, upright
    name: str  # as people call the picture
    task: Task
    words: str
    ground_truth: tuple[Region, ...]
    answers: Mapping[str, tuple[Region, ...]] = field(default_factory=dict)  # by model


def write_archive(questions: Sequence[LabelledQuestion], path: Path) -> None:
    """Write a benchmark to a file.

    Raises:
        FileError: it cannot be written; nothing is left of it.
        ImageError: a picture is no longer there.
    """
    with atomic_write(path) as file, ZipFile(file, "w") as archive:
        lines: list[str] = []
        stored: set[str] = set()
        for question in questions:
            content = _read(question.image)
            ending = question.image.suffix.lower() or ".png"
            entry = f"pictures/{hashlib.sha256(content).hexdigest()[:16]}{ending}"
            if entry not in stored:
                stored.add(entry)
                archive.writestr(entry, content, ZIP_STORED)
            lines.append(json.dumps(_question_to_json(question, entry), ensure_ascii=False) + "\n")
        listing = "".join(lines).encode(errors="replace")
        archive.writestr(LISTING, listing, ZIP_DEFLATED)


def read_archive(
    path: Path, folder: Path, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> tuple[LabelledQuestion, ...]:
    """Read a benchmark; its pictures are put into a folder, under names of our own.

    Args:
        path: the ZIP.
        folder: for the pictures.
        max_bytes: of a picture; no more is unpacked.
        max_pixels: of a picture.

    Raises:
        InputError: it is no such ZIP, is damaged, or unpacks to more than is allowed.
    """
    try:
        with ZipFile(path) as archive:
            listing = _unpack(archive, LISTING, MAX_LISTING_BYTES).decode()
            lines = [line for line in listing.split("\n") if line.strip()]
            if len(lines) > MAX_QUESTIONS:
                raise InputError(f"This ZIP has too many questions: at most {MAX_QUESTIONS}.")
            images: dict[str, tuple[Path, Size]] = {}
            questions = []
            for number, line in enumerate(lines, start=1):
                entry = _read_line(line, number)
                name = entry.picture
                if name not in images:
                    content = _unpack(archive, name, max_bytes)
                    size = open_image(content, max_bytes=max_bytes, max_pixels=max_pixels).size
                    image = folder / f"{len(images) + 1:04}{Path(name).suffix}"
                    image.write_bytes(content)
                    images[name] = image, size
                questions.append(entry.to_question(*images[name]))
    except ImageError as error:
        raise InputError(f"A picture in this ZIP cannot be used. {error}") from error
    except _ZIP_ERRORS as error:
        raise InputError(
            "This is not a ZIP of a benchmark, or it is damaged. Please choose one that was saved "
            "here."
        ) from error
    if not questions:
        raise InputError("There are no questions in this ZIP.")
    return tuple(questions)


def _read(image: Path) -> bytes:
    try:
        return image.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(
            "A picture of the benchmark is no longer here. Please import the ZIP that you saved."
        ) from error


def _unpack(archive: ZipFile, name: str, most: int) -> bytes:
    """Read a file of the archive, and never more than is allowed, whatever it says of itself."""
    try:
        with archive.open(name) as file:
            content = file.read(most + 1)
    except KeyError as error:
        raise InputError(f"This ZIP has no file {name}: it was not saved here.") from error
    if len(content) > most:
        raise InputError(
            f"A file in this ZIP is too large: at most {most / 1e6:.0f} MB are allowed."
        )
    return content


class _QuestionModel(BaseModel):
    picture: Annotated[str, Field(strict=True, pattern=r"^pictures/[0-9a-f]{16}\.[a-z0-9]{1,5}$")]
    name: Annotated[str, Field(strict=True)] = "picture"
    task: Task
    words: Annotated[str, Field(strict=True)]
    truth: RegionsInPixelsModel
    answers: dict[str, RegionsInPixelsModel] = {}

    def to_question(self, image: Path, size: Size) -> LabelledQuestion:
        return LabelledQuestion(
            image,
            size,
            self.name[:_MAX_NAME],
            self.task,
            self.words,
            self.truth.to_regions(size),
            {model[:_MAX_NAME]: found.to_regions(size) for model, found in self.answers.items()},
        )


def _read_line(line: str, number: int) -> _QuestionModel:
    try:
        return _QuestionModel.model_validate_json(line)
    except ValidationError as error:
        raise InputError(
            f"Line {number} of {LISTING} in this ZIP cannot be used: "
            f"{describe_validation_error(error)}."
        ) from error


def _question_to_json(question: LabelledQuestion, entry: str) -> dict[str, object]:
    return {
        "picture": entry,
        "name": question.name,
        "task": question.task.value,
        "words": question.words,
        "truth": regions_to_px(question.ground_truth, question.size),
        "answers": {
            model: regions_to_px(found, question.size) for model, found in question.answers.items()
        },
    }
