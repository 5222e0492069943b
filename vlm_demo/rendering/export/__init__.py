"""Regions in answers, in the formats that other programs read.

Numbers are pixels of the picture, except YOLO's, which are fractions. JSON and CSV keep boxes,
points and polygons. COCO, YOLO and Pascal VOC are formats of areas: points are left out there, and
Pascal VOC, which has no outlines, gets the bounding box of a polygon. Phrases become classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PIL import Image

from vlm_demo.rendering.export.annotated_image import AnnotatedImage
from vlm_demo.rendering.export.answer_data import (
    AnswerData,
    AnyText,
    MentionData,
    export_json,
    reply_to_data,
    to_json_line,
)
from vlm_demo.rendering.export.class_names import class_names
from vlm_demo.rendering.export.coco import export_coco
from vlm_demo.rendering.export.csv_table import export_csv
from vlm_demo.rendering.export.export_files import FILE_FORMATS, FileFormat, export_file
from vlm_demo.rendering.export.voc import export_voc
from vlm_demo.rendering.export.yolo import export_yolo, has_polygons
from vlm_demo.values import Reply, Size

__all__ = [
    "FILE_FORMATS",
    "AnnotatedImage",
    "AnswerData",
    "AnyText",
    "FileFormat",
    "MentionData",
    "TextFormat",
    "class_names",
    "export_file",
    "export_text",
    "export_texts",
    "reply_to_data",
    "to_json_line",
]

TextFormat = Literal["json", "coco", "yolo", "voc", "csv"]
"""The formats that are text."""


def export_text(reply: Reply, size: Size, form: TextFormat, *, file_name: str = "picture") -> str:
    """Return the regions of a reply as text; `size` and `file_name` are the picture's."""
    annotated = AnnotatedImage(file_name, size, (reply,), lambda: Image.new("RGB", size))
    return export_texts([annotated], form)


def export_texts(images: Sequence[AnnotatedImage], form: TextFormat) -> str:
    """Return the regions on pictures as text.

    Raises:
        ValueError: there are several pictures, and the format has a file for each.
    """
    if form in _COMBINED:
        return _COMBINED[form](images)
    (annotated,) = images
    return _SINGLE[form](annotated)


def _yolo(annotated: AnnotatedImage) -> str:
    mentions = annotated.mentions
    return export_yolo(mentions, class_names(mentions), outlines=has_polygons(mentions))


_COMBINED: dict[str, Callable[[Sequence[AnnotatedImage]], str]] = {
    "json": export_json,
    "coco": export_coco,
    "csv": export_csv,
}
"""Formats of which one text holds several pictures."""

_SINGLE: dict[str, Callable[[AnnotatedImage], str]] = {"yolo": _yolo, "voc": export_voc}
