"""The results of a batch as files to download."""

from __future__ import annotations

from pathlib import Path

from vlm_demo.batch.result_files import (
    draw_annotated_images,
    write_annotated_zip,
    write_coco,
    write_csv,
    write_jsonl,
)
from vlm_demo.batch.visitor_batch import VisitorBatch
from vlm_demo.errors import InputError
from vlm_demo.rendering.export import export_file
from vlm_demo.rendering.export.file_names import safe_stem
from vlm_demo.translatable_text import message
from vlm_demo.ui.files.folders import make_folder

DOWNLOADS = {
    "csv": message("Table (CSV)"),
    "jsonl": message("JSON lines"),
    "coco": "COCO",
    "yolo": "YOLO",
    "voc": "Pascal VOC",
    "crops": message("Crops (ZIP)"),
    "annotated": message("Images with boxes (ZIP)"),
}
"""Formats of the results, and their names on the page."""


def write_download(batch: VisitorBatch, file_format: str, owner: str) -> Path:
    """Write the results in one of `DOWNLOADS`, where the page may serve them to their visitor.

    Raises:
        FileError, JournalError: a file cannot be written or read.
        InputError: there is no such format, or nothing to write.
    """
    folder = make_folder(owner)
    name = safe_stem(Path(batch.source.title).stem)
    match file_format:
        case "csv":
            path = folder / f"{name}.csv"
            write_csv(batch.journal, path)
        case "jsonl":
            path = folder / f"{name}.jsonl"
            write_jsonl(batch.journal, path)
        case "coco":
            path = folder / f"{name}-coco.json"
            write_coco(batch.journal, batch.source, path)
        case "yolo" | "voc" | "crops" as form:
            images = draw_annotated_images(batch.journal, batch.source)
            if form == "crops" and not any(image.mentions for image in images):
                raise InputError("No answer of this batch has boxes, so there is nothing to cut.")
            path = export_file(images, form, folder, name)
        case "annotated":
            path = folder / f"{name}-annotated.zip"
            if not write_annotated_zip(batch.journal, batch.source, path):
                raise InputError("No answer of this batch has boxes, so there is nothing to draw.")
        case _:
            raise InputError("There is no such format.")
    return path
