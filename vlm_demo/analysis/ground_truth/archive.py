"""A benchmark of one's own as one ZIP: `benchmark.jsonl`, and the pictures as they were added.

A line is a question: `picture` (a file of the ZIP), `name`, `task`, `words`, `truth` (the right
regions: boxes_xyxy_px, points_px, polygons_px, in pixels of the upright picture), and `answers`,
the regions that each model found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from pydantic import BaseModel, Field, ValidationError

from vlm_demo.errors import FileError, ImageError, InputError, describe_validation_error
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.files.zip_reader import ZipEntry, ZipLimits, ZipReader
from vlm_demo.images.opening import MAX_BYTES, MAX_PIXELS, open_image
from vlm_demo.markup.region_json import RegionsInPixelsModel, regions_to_px
from vlm_demo.values import Region, Size, Task

LISTING = "benchmark.jsonl"
"""Name of the file in the ZIP that lists the questions."""

MAX_QUESTIONS = 1000
"""Largest number of questions in one benchmark."""

MAX_LISTING_BYTES = 20_000_000
"""Largest size of the list of questions."""

MAX_UNPACK_RATIO = 20
"""Largest size of a benchmark's files unpacked, as a multiple of the ZIP's; one written here: 1."""

ALWAYS_ALLOWED = 20_000_000
"""Number of bytes to which a benchmark may unpack, whatever the ZIP's size."""

MAX_ALL_BYTES = 1_000_000_000
"""Largest size of all files of a benchmark, unpacked."""

MAX_ALL_PIXELS = 2_000_000_000
"""Largest number of pixels of all pictures of a benchmark: each is decoded to be checked."""

_MAX_NAME = 200  # characters of a picture's name, and of a model's


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
        FileError: the pictures cannot be written.
    """
    limits = ZipLimits(
        entries=MAX_QUESTIONS + 1,
        bytes_each=max(max_bytes, MAX_LISTING_BYTES),
        bytes_all=min(MAX_ALL_BYTES, max(ALWAYS_ALLOWED, MAX_UNPACK_RATIO * _size(path))),
    )
    with closing(ZipReader(path, limits)) as archive:
        unpacking = _Unpacking(archive, folder, max_bytes, max_pixels)
        try:
            listing = unpacking.read(LISTING, MAX_LISTING_BYTES).decode()
        except (ImageError, UnicodeDecodeError) as error:
            raise InputError(
                "{listing} in this ZIP is damaged or too large. Choose a ZIP that was saved here.",
                listing=LISTING,
            ) from error
        lines = [line for line in listing.split("\n") if line.strip()]
        if len(lines) > MAX_QUESTIONS:
            raise InputError(
                "This ZIP has too many questions: at most {max_questions}.",
                max_questions=MAX_QUESTIONS,
            )
        questions = [
            unpacking.read_question(line, number) for number, line in enumerate(lines, start=1)
        ]
    if not questions:
        raise InputError("There are no questions in this ZIP.")
    return tuple(questions)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError("This ZIP is no longer available. Choose it again.") from error


class _Unpacking:
    """A benchmark whose pictures are put into a folder, each once."""

    def __init__(self, archive: ZipReader, folder: Path, max_bytes: int, max_pixels: int) -> None:
        self._archive = archive
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._entries: dict[str, ZipEntry] = {entry.name: entry for entry in archive.entries()}
        self._images: dict[str, tuple[Path, Size]] = {}
        self._pixels = 0  # of all pictures so far

    def read(self, name: str, most: int) -> bytes:
        """Return the content of a file, which has at most so many bytes.

        Raises:
            InputError: there is no such file, or it cannot be read.
        """
        if name not in self._entries:
            raise InputError("This ZIP has no file {name}: it was not saved here.", name=name)
        return self._archive.read(self._entries[name], most)

    def read_question(self, line: str, number: int) -> LabelledQuestion:
        """Read a line of the list, and put its picture into the folder."""
        entry = _read_line(line, number)
        if entry.picture not in self._images:
            try:
                self._images[entry.picture] = self._unpack_image(entry.picture)
            except ImageError as error:
                raise InputError(
                    "An image in this ZIP cannot be used. {problem}", problem=error
                ) from error
        return entry.to_question(*self._images[entry.picture])

    def _unpack_image(self, name: str) -> tuple[Path, Size]:
        content = self.read(name, self._max_bytes)
        size = open_image(content, max_bytes=self._max_bytes, max_pixels=self._max_pixels).size
        self._pixels += size[0] * size[1]
        if self._pixels > MAX_ALL_PIXELS:
            raise InputError(
                "The images in this ZIP have more than {max_all_pixels} megapixels in total, "
                "which is the limit. Split the ZIP.",
                max_all_pixels=f"{MAX_ALL_PIXELS / 1e6:,.0f}",
            )
        image = self._folder / f"{len(self._images) + 1:04}{Path(name).suffix}"
        try:
            image.write_bytes(content)
        except OSError as error:
            raise FileError(
                "No file can be written here: {reason}.", reason=error.strerror or error
            ) from error
        return image, size


def _read(image: Path) -> bytes:
    try:
        return image.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(
            "An image of the benchmark is no longer available. Open the ZIP that you saved."
        ) from error


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
            "Line {number} of {listing} in this ZIP cannot be used: {reason}.",
            number=number,
            listing=LISTING,
            reason=describe_validation_error(error),
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
