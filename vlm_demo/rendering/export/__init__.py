"""Places in answers, in the forms that other programs read.

Numbers are pixels of the picture, except YOLO's, which are fractions. JSON and CSV keep boxes,
points and polygons. COCO, YOLO and Pascal VOC are formats of areas: points are left out there, and
Pascal VOC gets the box around a polygon. Phrases become their classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PIL import Image

from vlm_demo.rendering.export.coco import coco_of
from vlm_demo.rendering.export.files import FILE_FORMATS, FileFormat, export_file
from vlm_demo.rendering.export.labels import classes
from vlm_demo.rendering.export.plain import Answer, Item, as_json, csv_of, json_of, to_answer
from vlm_demo.rendering.export.sheets import Sheet
from vlm_demo.rendering.export.voc import voc_of
from vlm_demo.rendering.export.yolo import has_outlines, yolo_of
from vlm_demo.values import Reply, Size

__all__ = [
    "FILE_FORMATS",
    "Answer",
    "FileFormat",
    "Format",
    "Item",
    "Sheet",
    "as_json",
    "classes",
    "export",
    "export_file",
    "to_answer",
]

Format = Literal["json", "coco", "yolo", "voc", "csv"]
"""Those that are text."""


def export(reply: Reply, size: Size, form: Format, *, file_name: str = "picture") -> str:
    """Write the places of a reply as text; `size` and `file_name` are the picture's."""
    sheet = Sheet(file_name, size, (reply,), lambda: Image.new("RGB", size))
    return _TEXTS[form](sheet)


def _yolo(sheet: Sheet) -> str:
    mentions = sheet.mentions
    return yolo_of(mentions, classes(mentions), outlines=has_outlines(mentions))


_TEXTS: dict[Format, Callable[[Sheet], str]] = {
    "json": lambda sheet: json_of([sheet]),
    "coco": lambda sheet: coco_of([sheet]),
    "yolo": _yolo,
    "voc": voc_of,
    "csv": lambda sheet: csv_of([sheet]),
}
