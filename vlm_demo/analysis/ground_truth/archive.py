"""A benchmark of one's own as one ZIP: `benchmark.jsonl`, and the pictures as they were added.

A line is a question: `picture` (a file of the ZIP), `name`, `task`, `words`, `truth` (the places
that are right: boxes_xyxy_px, points_px, polygons_px, in pixels of the upright picture), and
`answers`, the places that each model found.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from vlm_demo.atomic_file import atomic_write
from vlm_demo.errors import ImageError, InputError
from vlm_demo.images import MAX_BYTES, MAX_PIXELS, open_image
from vlm_demo.values import Box, Point, Polygon, Region, Size, Task

LISTING = "benchmark.jsonl"

MOST_QUESTIONS = 1000
MOST_PLACES = 1000  # of a question, and of an answer
LARGEST_LISTING = 20_000_000  # bytes

_PICTURE = re.compile(r"pictures/[0-9a-f]{16}\.[a-z0-9]{1,5}")

_BROKEN = (BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError, OSError, ValueError)
"""What zipfile raises for archives that are damaged, encrypted, or packed in a rare way."""


@dataclass(frozen=True, slots=True)
class Known:
    """A question about a picture whose right places a person has drawn."""

    picture: Path
    size: Size  # of the picture, upright
    name: str  # as people call the picture
    task: Task
    words: str
    truth: tuple[Region, ...]
    answers: Mapping[str, tuple[Region, ...]] = field(default_factory=dict)  # by model


def write_archive(questions: Sequence[Known], path: Path) -> None:
    """Write a benchmark to a file.

    Raises:
        FileError: it cannot be written; nothing is left of it.
        ImageError: a picture is no longer there.
    """
    with atomic_write(path) as file, ZipFile(file, "w") as archive:
        lines, there = [], set()
        for question in questions:
            content = _read(question.picture)
            ending = question.picture.suffix.lower() or ".png"
            entry = f"pictures/{hashlib.sha256(content).hexdigest()[:16]}{ending}"
            if entry not in there:
                there.add(entry)
                archive.writestr(entry, content, ZIP_STORED)
            lines.append(json.dumps(_written(question, entry), ensure_ascii=False) + "\n")
        listing = "".join(lines).encode(errors="replace")
        archive.writestr(LISTING, listing, ZIP_DEFLATED)


def read_archive(
    path: Path, folder: Path, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> tuple[Known, ...]:
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
            listing = _unpacked(archive, LISTING, LARGEST_LISTING).decode()
            lines = [line for line in listing.splitlines() if line.strip()]
            if len(lines) > MOST_QUESTIONS:
                raise InputError(f"This ZIP has too many questions: at most {MOST_QUESTIONS}.")
            sizes: dict[str, tuple[Path, Size]] = {}
            questions = []
            for number, line in enumerate(lines, start=1):
                entry = _entry(line, number)
                name = str(entry["picture"])
                if name not in sizes:
                    content = _unpacked(archive, name, max_bytes)
                    size = open_image(content, max_bytes=max_bytes, max_pixels=max_pixels).size
                    picture = folder / f"{len(sizes) + 1:04}{Path(name).suffix}"
                    picture.write_bytes(content)
                    sizes[name] = picture, size
                questions.append(_known(entry, *sizes[name], number))
    except ImageError as error:
        raise InputError(f"A picture in this ZIP cannot be used. {error}") from error
    except _BROKEN as error:
        raise InputError(
            "This is not a ZIP of a benchmark, or it is damaged. Please choose one that was saved "
            "here."
        ) from error
    if not questions:
        raise InputError("There are no questions in this ZIP.")
    return tuple(questions)


def _read(picture: Path) -> bytes:
    try:
        return picture.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(
            "A picture of the benchmark is no longer here. Please import the ZIP that you saved."
        ) from error


def _unpacked(archive: ZipFile, name: str, most: int) -> bytes:
    """Read a file of the archive, and never more than is allowed, whatever it says of itself."""
    try:
        with archive.open(name) as file:
            content = file.read(most + 1)
    except KeyError as error:
        raise InputError(f"This ZIP has no file {name}: it was not saved here.") from error
    if len(content) > most:
        raise InputError(f"A file in this ZIP is too large: at most {most / 1e6:.0f} MB are taken.")
    return content


def _entry(line: str, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _unusable(number, "is not JSON") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("picture"), str):
        raise _unusable(number, "names no picture")
    if not _PICTURE.fullmatch(entry["picture"]):
        raise _unusable(number, "names a picture in a place where none can be")
    return entry


def _known(entry: Mapping[str, Any], picture: Path, size: Size, number: int) -> Known:
    words, answers = entry.get("words"), entry.get("answers", {})
    name = entry.get("name")
    if not isinstance(words, str) or not isinstance(answers, dict):
        raise _unusable(number, "has no words")
    try:
        return Known(
            picture,
            size,
            name[:200] if isinstance(name, str) else "picture",
            Task(entry.get("task", "")),
            words,
            _regions(entry.get("truth"), size),
            {model[:200]: _regions(found, size) for model, found in answers.items()},
        )
    except (ValueError, TypeError) as error:
        raise _unusable(number, "has a task or places that cannot be read") from error


def _unusable(number: int, what: str) -> InputError:
    return InputError(f"Line {number} of {LISTING} in this ZIP {what}.")


def _written(question: Known, entry: str) -> dict[str, object]:
    return {
        "picture": entry,
        "name": question.name,
        "task": question.task.value,
        "words": question.words,
        "truth": _places(question.truth, question.size),
        "answers": {
            model: _places(found, question.size) for model, found in question.answers.items()
        },
    }


def _places(regions: Sequence[Region], size: Size) -> dict[str, object]:
    def px(numbers: Sequence[float]) -> list[float]:
        return [round(float(number), 4) for number in numbers]

    return {
        "boxes_xyxy_px": [px(r.to_pixels(size)) for r in regions if isinstance(r, Box)],
        "points_px": [px(r.to_pixels(size)) for r in regions if isinstance(r, Point)],
        "polygons_px": [
            [px(corner) for corner in r.to_pixels(size)] for r in regions if isinstance(r, Polygon)
        ],
    }


def _regions(value: object, size: Size) -> tuple[Region, ...]:
    """Read places.

    Raises:
        ValueError, TypeError: they are not lists of finite numbers, or too many.
    """
    if not isinstance(value, dict):
        raise TypeError("no places")
    boxes = [Box.normalize(*_numbers(box, 4), by=size) for box in value.get("boxes_xyxy_px", ())]
    points = [Point.normalize(*_numbers(point, 2), by=size) for point in value.get("points_px", ())]
    polygons = [
        Polygon(tuple(Point.normalize(*_numbers(corner, 2), by=size) for corner in corners))
        for corners in value.get("polygons_px", ())
    ]
    regions: tuple[Region, ...] = (*boxes, *points, *polygons)
    if len(regions) > MOST_PLACES or any(not 3 <= len(p.points) <= MOST_PLACES for p in polygons):
        raise ValueError("too many places, or an outline of fewer than three corners")
    return regions


def _numbers(value: object, count: int) -> list[float]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError("not a list of so many numbers")
    numbers = [float(number) for number in value]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("not finite")
    return numbers
