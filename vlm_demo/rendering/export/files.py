"""Exports as files: one, or a ZIP where a format has several. None is ever left half written."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from PIL.Image import Image

from vlm_demo.atomic_file import atomic_write
from vlm_demo.rendering.drawing import draw
from vlm_demo.rendering.export.coco import coco_of
from vlm_demo.rendering.export.labels import class_name, classes, stem, unique
from vlm_demo.rendering.export.plain import csv_of, json_of
from vlm_demo.rendering.export.sheets import Sheet, named_apart
from vlm_demo.rendering.export.svg import svg_of
from vlm_demo.rendering.export.voc import voc_of
from vlm_demo.rendering.export.yolo import data_yaml, has_outlines, yolo_of
from vlm_demo.rendering.set_of_mark import numbered
from vlm_demo.values import Size, bounding_box

FileFormat = Literal["png", "marks", "svg", "json", "coco", "yolo", "voc", "csv", "crops"]
"""png: the places drawn in. marks: numbered. crops: each place cut out. Others by their names."""

FILE_FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)

JPEG_QUALITY = 95  # of the pictures of a data set

Entry = tuple[str, bytes]
"""A file of a ZIP: its name there, and its content."""


def export_file(sheets: Sequence[Sheet], form: FileFormat, folder: Path, name: str) -> Path:
    """Write pictures and their places to a new file in a folder; return it.

    Args:
        sheets: the pictures; of several, the file is a ZIP where the format has one file each.
        form: the format.
        folder: where the file goes.
        name: what it is called, without an ending; made safe here.

    Raises:
        FileError: it cannot be written, such as on a full disk; nothing is left of it.
        ImageError: a picture is no longer there.
    """
    sheets = named_apart(sheets)
    written = _FORMS[form]
    one = written.ending != "zip" and (written.together or len(sheets) == 1)
    path = folder / f"{stem(name)}-{written.word}.{written.ending if one else 'zip'}"
    with atomic_write(path) as file:
        if one:
            ((_, content),) = written.entries(sheets)
            file.write(content)
        else:
            _zip(file, written.entries(sheets))
    return path


def _zip(file: BinaryIO, entries: Iterator[Entry]) -> None:
    with ZipFile(file, "w") as archive:
        for name, content in entries:
            packed = name.endswith((".png", ".jpg"))  # once more would only take time
            archive.writestr(name, content, ZIP_STORED if packed else ZIP_DEFLATED)


def _drawn(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    for sheet in sheets:
        yield f"{sheet.stem}.png", _png(draw(sheet.open(), sheet.mentions))


def _marked(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    for sheet in sheets:
        yield f"{sheet.stem}.png", _png(numbered(sheet.open(), sheet.mentions))


def _svg(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    for sheet in sheets:
        yield f"{sheet.stem}.svg", svg_of(sheet).encode()


def _json(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    yield "answers.json", _text(json_of(sheets))


def _coco(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    yield "annotations.json", _text(coco_of(sheets))


def _csv(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    yield "places.csv", _text(csv_of(sheets))


def _voc(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    for sheet in sheets:
        yield f"{sheet.stem}.xml", voc_of(sheet).encode()


def _yolo(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    names = classes(mention for sheet in sheets for mention in sheet.mentions)
    outlines = any(has_outlines(sheet.mentions) for sheet in sheets)
    yield "data.yaml", data_yaml(names).encode()
    for sheet in sheets:
        yield f"images/{sheet.stem}.jpg", _jpeg(sheet.open())
        lines = yolo_of(sheet.mentions, names, outlines=outlines)
        yield f"labels/{sheet.stem}.txt", lines.encode()


def _crops(sheets: Sequence[Sheet]) -> Iterator[Entry]:
    """Cut out what the phrases name; a point has no area, so it has no crop."""
    taken: set[str] = set()
    for sheet in sheets:
        image = sheet.open()
        folder = f"{sheet.stem}/" if len(sheets) > 1 else ""
        for mention in sheet.mentions:
            for region in mention.regions:
                bounds = _whole_pixels(bounding_box(region).to_pixels(sheet.size), sheet.size)
                if bounds is None:
                    continue
                name = unique(folder + stem(class_name(mention.phrase)), taken)
                yield f"{name}.png", _png(image.crop(bounds))


def _whole_pixels(
    box: tuple[float, float, float, float], size: Size
) -> tuple[int, int, int, int] | None:
    """Return the pixels that a box touches; None where it has no area."""
    x1, y1, x2, y2 = box
    if x1 >= x2 or y1 >= y2:
        return None
    right, bottom = min(-int(-x2 // 1), size[0]), min(-int(-y2 // 1), size[1])
    return int(x1), int(y1), right, bottom


def _png(image: Image) -> bytes:
    return _saved(image, "PNG", compress_level=4)


def _jpeg(image: Image) -> bytes:
    return _saved(image, "JPEG", quality=JPEG_QUALITY)


def _saved(image: Image, form: str, **options: int) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def _text(text: str) -> bytes:
    """Encode text; a lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    return text.encode(errors="replace")


@dataclass(frozen=True, slots=True)
class _Form:
    word: str  # in the file's name
    ending: str  # of the file of one picture
    entries: Callable[[Sequence[Sheet]], Iterator[Entry]]
    together: bool = False  # one file holds all pictures


_FORMS: Mapping[FileFormat, _Form] = {
    "png": _Form("boxes", "png", _drawn),
    "marks": _Form("numbered", "png", _marked),
    "svg": _Form("boxes", "svg", _svg),
    "json": _Form("answer", "json", _json, together=True),
    "coco": _Form("coco", "json", _coco, together=True),
    "yolo": _Form("yolo", "zip", _yolo),
    "voc": _Form("voc", "xml", _voc),
    "csv": _Form("places", "csv", _csv, together=True),
    "crops": _Form("crops", "zip", _crops),
}
