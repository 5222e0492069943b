"""The results of a batch as files for other programs, sorted by picture name."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image

from vlm_demo.batch.journal import BatchJournal, to_line
from vlm_demo.batch.result import PLACE_KEYS, BatchResult
from vlm_demo.batch.sources import ImageSource
from vlm_demo.errors import ImageError
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.rendering.drawing import draw_mentions
from vlm_demo.rendering.export.annotated_image import AnnotatedImage
from vlm_demo.rendering.export.answer_data import to_json_line
from vlm_demo.rendering.export.coco import export_coco
from vlm_demo.rendering.export.csv_table import escape_cell
from vlm_demo.rendering.export.file_names import safe_stem
from vlm_demo.values import StopReason

COLUMNS = (
    *("picture", "width", "height", "text", "places", "items", "error", "sha256"),
    *("targets", "stop", "model", "note", *PLACE_KEYS),
)
"""Columns of the table; `items` are the regions as JSON, in pixels, `targets` the results for
several things that were looked for, as JSON, and `stop` says why the answer ended. `model` is the
one that answered, and `note` what people should know, such as that it does not know such pictures.
`page` is that of a document, from 1, and `seconds` the time of a frame in its film.
"""


def write_jsonl(journal: BatchJournal, path: Path) -> None:
    """Write one JSON object for each picture.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    with atomic_write(path) as file:
        for result in journal.results():
            file.write(to_line(result.to_json()))


def write_csv(journal: BatchJournal, path: Path) -> None:
    """Write a table with one row for each picture, safe to open in a spreadsheet.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    with atomic_write(path) as file:
        file.write(_line(COLUMNS))
        for result in journal.results():
            file.write(_line(_cells(result)))


def write_coco(journal: BatchJournal, source: ImageSource, path: Path) -> None:
    """Write the regions on all pictures with an answer, including those without regions.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    images = draw_annotated_images(journal, source)
    with atomic_write(path) as file:
        file.write(export_coco(images).encode("utf-8", "backslashreplace"))


def draw_annotated_images(journal: BatchJournal, source: ImageSource) -> list[AnnotatedImage]:
    """Return all pictures with an answer, each opened only when its pixels are asked for.

    Raises:
        JournalError: the journal cannot be read.
    """
    return [
        AnnotatedImage(
            result.name, result.size, (result.reply,), partial(reopen_image, source, result)
        )
        for result in journal.results()
        if not result.error
    ]


def write_annotated_images(journal: BatchJournal, source: ImageSource, folder: Path) -> int:
    """Write each picture that has regions as PNG, with the regions drawn in; return how many.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    count = 0
    for name, png in _draw_all(journal, source):
        with atomic_write(folder / name) as file:
            file.write(png)
        count += 1
    return count


def write_annotated_zip(journal: BatchJournal, source: ImageSource, path: Path) -> int:
    """Write the same pictures into a ZIP; return how many.

    Raises:
        FileError, JournalError: a file cannot be written or read.
    """
    count = 0
    # A PNG cannot be compressed further.
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, png in _draw_all(journal, source):
            archive.writestr(name, png)
            count += 1
    return count


def _draw_all(journal: BatchJournal, source: ImageSource) -> Iterator[tuple[str, bytes]]:
    """Yield the name and PNG of one picture after another; pictures that are gone are left out."""
    taken: Counter[str] = Counter()
    for result in journal.results():
        if result.error or not result.region_count:
            continue
        try:
            image = reopen_image(source, result)
        except ImageError:
            continue
        name = safe_stem(str(PurePosixPath(result.name).with_suffix("")).replace("/", "-"))
        taken[name.casefold()] += 1
        if taken[name.casefold()] > 1:
            name = f"{name} ({taken[name.casefold()]})"
        png = io.BytesIO()
        draw_mentions(image, result.reply.mentions).save(png, "PNG")
        yield f"{name}.png", png.getvalue()


def reopen_image(source: ImageSource, result: BatchResult) -> Image.Image:
    """Open the picture that a result is about.

    Raises:
        ImageError: it is gone, or another one has its name now.
        SourceError: nothing more can be read from the source.
    """
    found = source.find(result.name)
    if found.sha256 != result.sha256:
        raise ImageError("{name} is a different image now.", name=result.name)
    width, height = result.size
    return found.open(width * height)


def _cells(result: BatchResult) -> tuple[object, ...]:
    places = tuple(result.place.get(key, "") for key in PLACE_KEYS)
    if result.error:
        return (
            escape_cell(result.name),
            "",
            "",
            "",
            "",
            "",
            escape_cell(str(result.error)),
            result.sha256,
            "",
            StopReason.FAILED,
            "",
            "",
            *places,
        )
    items = to_json_line(list(result.items)).strip()
    targets = to_json_line(list(result.targets)).strip() if result.targets else ""
    return (
        *(escape_cell(result.name), *result.size, escape_cell(result.text)),
        *(result.region_count, items, "", result.sha256, targets, result.stop or ""),
        *(escape_cell(result.model), escape_cell(result.note), *places),
    )


def _line(cells: tuple[object, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode("utf-8", "backslashreplace")
