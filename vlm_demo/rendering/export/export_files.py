"""Exports as files: one, or a ZIP where a format has several. None is left half written."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from PIL.Image import Image

from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.masks import draw_mask
from vlm_demo.rendering.cutouts import cut_out, keep_opaque
from vlm_demo.rendering.drawing import draw_mentions
from vlm_demo.rendering.export.annotated_image import AnnotatedImage, make_names_unique
from vlm_demo.rendering.export.answer_data import export_json
from vlm_demo.rendering.export.class_names import class_name, class_names
from vlm_demo.rendering.export.coco import export_coco
from vlm_demo.rendering.export.csv_table import export_csv
from vlm_demo.rendering.export.file_names import make_unique, safe_stem
from vlm_demo.rendering.export.svg import export_svg
from vlm_demo.rendering.export.voc import export_voc
from vlm_demo.rendering.export.yolo import export_data_yaml, export_yolo, has_polygons
from vlm_demo.rendering.set_of_mark import draw_numbers
from vlm_demo.values import Point, Polygon, Size, bounding_box

FileFormat = Literal["png", "marks", "svg", "json", "coco", "yolo", "voc", "csv", "crops", "cutout"]
"""png: the regions drawn in. marks: numbered. crops: each region cut out. cutout: the picture with
everything else transparent. The others: by name."""

FILE_FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)
"""All formats that files can have."""

JPEG_QUALITY = 95
"""Quality of the pictures of a YOLO data set."""

Entry = tuple[str, bytes]
"""A file in a ZIP: its name and its content."""


def export_file(
    images: Sequence[AnnotatedImage], form: FileFormat, folder: Path, name: str
) -> Path:
    """Write pictures and their regions to a new file in a folder; return it.

    Args:
        images: the pictures; for several, the file is a ZIP where the format has one file each.
        form: the format.
        folder: where the file goes.
        name: of the file, without an ending; made safe here.

    Raises:
        FileError: it cannot be written, such as on a full disk; nothing is left of it.
        ImageError: a picture is no longer there.
    """
    images = make_names_unique(images)
    kind = _FILE_KINDS[form]
    is_single = kind.ending != "zip" and (kind.is_combined or len(images) == 1)
    path = folder / f"{safe_stem(name)}-{kind.word}.{kind.ending if is_single else 'zip'}"
    with atomic_write(path) as file:
        if is_single:
            ((_, content),) = kind.entries(images)
            file.write(content)
        else:
            _write_zip(file, kind.entries(images))
    return path


def _write_zip(file: BinaryIO, entries: Iterator[Entry]) -> None:
    with ZipFile(file, "w") as archive:
        for name, content in entries:
            is_packed = name.endswith((".png", ".jpg"))  # packing again would only take time
            archive.writestr(name, content, ZIP_STORED if is_packed else ZIP_DEFLATED)


def _draw_boxes(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    for annotated in images:
        yield (
            f"{annotated.stem}.png",
            _encode_png(draw_mentions(annotated.open(), annotated.mentions)),
        )


def _draw_numbers(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    for annotated in images:
        yield (
            f"{annotated.stem}.png",
            _encode_png(draw_numbers(annotated.open(), annotated.mentions)),
        )


def _svg(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    for annotated in images:
        yield f"{annotated.stem}.svg", export_svg(annotated).encode()


def _json(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    yield "answers.json", _text(export_json(images))


def _coco(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    yield "annotations.json", _text(export_coco(images))


def _csv(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    yield "places.csv", _text(export_csv(images))


def _voc(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    for annotated in images:
        yield f"{annotated.stem}.xml", export_voc(annotated).encode()


def _yolo(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    names = class_names(mention for annotated in images for mention in annotated.mentions)
    outlines = any(has_polygons(annotated.mentions) for annotated in images)
    yield "data.yaml", export_data_yaml(names).encode()
    for annotated in images:
        yield f"images/{annotated.stem}.jpg", _encode_jpeg(annotated.open())
        lines = export_yolo(annotated.mentions, names, outlines=outlines)
        yield f"labels/{annotated.stem}.txt", lines.encode()


def _crops(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    """Cut out each region, a polygon along its outline; a point has no area, so it has no crop."""
    taken: set[str] = set()
    for annotated in images:
        image = annotated.open()
        folder = f"{annotated.stem}/" if len(images) > 1 else ""
        for mention in annotated.mentions:
            for region in mention.regions:
                bounds = _whole_pixels(
                    bounding_box(region).to_pixels(annotated.size), annotated.size
                )
                if bounds is None or isinstance(region, Point):
                    continue
                crop = image.crop(bounds)
                if isinstance(region, Polygon):
                    crop = keep_opaque(crop, draw_mask(region, annotated.size, bounds))
                name = make_unique(folder + safe_stem(class_name(mention.phrase)), taken)
                yield f"{name}.png", _encode_png(crop)


def _cutout(images: Sequence[AnnotatedImage]) -> Iterator[Entry]:
    """Keep what lies in a region, and make the rest of the picture transparent."""
    for annotated in images:
        picture = cut_out(annotated.open(), annotated.mentions)
        yield f"{annotated.stem}.png", _encode_png(picture)


def _whole_pixels(
    box: tuple[float, float, float, float], size: Size
) -> tuple[int, int, int, int] | None:
    """Return the pixels that a box touches; None: it has no area."""
    x1, y1, x2, y2 = box
    if x1 >= x2 or y1 >= y2:
        return None
    right, bottom = min(-int(-x2 // 1), size[0]), min(-int(-y2 // 1), size[1])
    return int(x1), int(y1), right, bottom


def _encode_png(image: Image) -> bytes:
    return _encode(image, "PNG", compress_level=4)


def _encode_jpeg(image: Image) -> bytes:
    return _encode(image, "JPEG", quality=JPEG_QUALITY)


def _encode(image: Image, form: str, **options: int) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def _text(text: str) -> bytes:
    """Encode text; a lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    return text.encode(errors="replace")


@dataclass(frozen=True, slots=True)
class _FileKind:
    word: str  # in the file's name
    ending: str  # of the file of one picture
    entries: Callable[[Sequence[AnnotatedImage]], Iterator[Entry]]
    is_combined: bool = False  # one file holds all pictures


_FILE_KINDS: Mapping[FileFormat, _FileKind] = {
    "png": _FileKind("boxes", "png", _draw_boxes),
    "marks": _FileKind("numbered", "png", _draw_numbers),
    "svg": _FileKind("boxes", "svg", _svg),
    "json": _FileKind("answer", "json", _json, is_combined=True),
    "coco": _FileKind("coco", "json", _coco, is_combined=True),
    "yolo": _FileKind("yolo", "zip", _yolo),
    "voc": _FileKind("voc", "xml", _voc),
    "csv": _FileKind("places", "csv", _csv, is_combined=True),
    "crops": _FileKind("crops", "zip", _crops),
    "cutout": _FileKind("cutout", "png", _cutout),
}
