"""The results of a batch for other programs, sorted by the names of the pictures."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image

from vlm_demo.atomic_file import atomic_write
from vlm_demo.batch.job import Result
from vlm_demo.batch.journal import Journal, to_line
from vlm_demo.batch.sources import Source
from vlm_demo.errors import ImageError
from vlm_demo.images import open_image
from vlm_demo.rendering.drawing import draw
from vlm_demo.rendering.export.coco import coco_of
from vlm_demo.rendering.export.labels import stem
from vlm_demo.rendering.export.plain import as_json, cell
from vlm_demo.rendering.export.sheets import Sheet

COLUMNS = ("picture", "width", "height", "text", "places", "items", "error", "sha256")
"""Of the table; `items` are the places as JSON, in pixels."""


def write_jsonl(journal: Journal, path: Path) -> None:
    """Write one JSON object a picture.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    with atomic_write(path) as file:
        for result in journal.results():
            file.write(to_line(result.fields))


def write_csv(journal: Journal, path: Path) -> None:
    """Write a table with one row a picture, safe to be opened in a spreadsheet.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    with atomic_write(path) as file:
        file.write(_line(COLUMNS))
        for result in journal.results():
            file.write(_line(_cells(result)))


def write_coco(journal: Journal, source: Source, path: Path) -> None:
    """Write the places on all pictures that were answered, also those on which there are none.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    sheets = [
        Sheet(result.name, result.size, (result.reply,), partial(open_again, source, result))
        for result in journal.results()
        if not result.error
    ]
    with atomic_write(path) as file:
        file.write(coco_of(sheets).encode("utf-8", "backslashreplace"))


def write_annotated(journal: Journal, source: Source, folder: Path) -> int:
    """Write each picture that has places, with these drawn in, as PNG; return how many.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    count = 0
    for name, png in _annotated(journal, source):
        with atomic_write(folder / name) as file:
            file.write(png)
        count += 1
    return count


def write_annotated_zip(journal: Journal, source: Source, path: Path) -> int:
    """Do the same into a ZIP.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    count = 0
    # A PNG does not get smaller.
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, png in _annotated(journal, source):
            archive.writestr(name, png)
            count += 1
    return count


def _annotated(journal: Journal, source: Source) -> Iterator[tuple[str, bytes]]:
    """Draw one picture after another; those that are gone meanwhile are left out."""
    taken: Counter[str] = Counter()
    for result in journal.results():
        if result.error or not result.places:
            continue
        try:
            image = open_again(source, result)
        except ImageError:
            continue
        name = stem(str(PurePosixPath(result.name).with_suffix("")).replace("/", "-"))
        taken[name.casefold()] += 1
        if taken[name.casefold()] > 1:
            name = f"{name} ({taken[name.casefold()]})"
        png = io.BytesIO()
        draw(image, result.reply.mentions).save(png, "PNG")
        yield f"{name}.png", png.getvalue()


def open_again(source: Source, result: Result) -> Image.Image:
    """Open the picture that a result is about.

    Raises:
        ImageError: it is gone, or another one has its name now.
        SourceError: nothing more is read from the source.
    """
    content = source.read(result.name)
    if hashlib.sha256(content).hexdigest() != result.sha256:
        raise ImageError(f"{result.name} is another picture now.")
    width, height = result.size
    return open_image(content, max_bytes=len(content), max_pixels=width * height)


def _cells(result: Result) -> tuple[object, ...]:
    if result.error:
        return cell(result.name), "", "", "", "", "", cell(result.error), result.sha256
    items = as_json(list(result.items)).strip()
    return (
        *(cell(result.name), *result.size, cell(result.text)),
        *(result.places, items, "", result.sha256),
    )


def _line(cells: tuple[object, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode("utf-8", "backslashreplace")
