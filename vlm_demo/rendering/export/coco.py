"""COCO: one file for all pictures, categories numbered from 1.

A segmentation is the outline of each part; polygons of COCO have no holes, so a mask with holes is
written as run lengths, which pycocotools reads wherever it reads polygons.

Source: https://cocodataset.org/#format-data (object detection).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from vlm_demo.markup.region_json import DECIMALS, round_px
from vlm_demo.masks import draw_mask, outline_area, run_lengths, split_holes
from vlm_demo.rendering.export.annotated_image import AnnotatedImage
from vlm_demo.rendering.export.answer_data import to_json_line
from vlm_demo.rendering.export.class_names import class_areas, class_names
from vlm_demo.values import Box, Mention, Polygon, Size, bounding_box


def export_coco(images: Sequence[AnnotatedImage]) -> str:
    """Return the boxes and polygons of all pictures as one JSON file."""
    names = class_names(mention for annotated in images for mention in annotated.mentions)
    ids = {name: index for index, name in enumerate(names, start=1)}
    files: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, (annotated, file_name, mentions) in enumerate(_by_image(images), start=1):
        width, height = annotated.size
        files.append({"id": number, "file_name": file_name, "width": width, "height": height})
        for name, region in class_areas(mentions):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": ids[name],
                    **_place(region, annotated.size),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": index, "name": name} for name, index in ids.items()]
    return to_json_line({"images": files, "categories": categories, "annotations": annotations})


def _by_image(
    images: Sequence[AnnotatedImage],
) -> Iterator[tuple[AnnotatedImage, str, tuple[Mention, ...]]]:
    """Yield each picture with its file name and its mentions.

    Where an answer names regions on several pictures, of which one is given, each of the others
    gets an entry of its own; its size is not known, and that of the given one stands for it.
    """
    for annotated in images:
        indices = sorted({mention.image_index for mention in annotated.mentions})
        if len(indices) < 2:
            yield annotated, annotated.name, annotated.mentions
            continue
        for index in indices:
            mentions = tuple(m for m in annotated.mentions if m.image_index == index)
            ending = PurePosixPath(annotated.name).suffix
            name = f"{annotated.name.removesuffix(ending)}-{index + 1}{ending}"
            yield annotated, name, mentions


def _place(region: Box | Polygon, size: Size) -> dict[str, object]:
    x1, y1, x2, y2 = bounding_box(region).to_pixels(size)
    if isinstance(region, Box):
        area: float = (x2 - x1) * (y2 - y1)
        segmentation: object = []
    else:
        area, segmentation = _segment(region, size)
    return {
        "bbox": round_px((x1, y1, x2 - x1, y2 - y1)),
        "area": round(area, DECIMALS),
        "segmentation": segmentation,
    }


def _segment(polygon: Polygon, size: Size) -> tuple[float, object]:
    """Return the area of a polygon, and its segmentation."""
    outlines, holes = split_holes(polygon, size)
    if not holes:
        flat = [[v for corner in ring for v in round_px(corner)] for ring in outlines]
        return outline_area(polygon, size), flat
    mask = draw_mask(polygon, size)
    counts = {"counts": run_lengths(mask), "size": [size[1], size[0]]}
    return float(mask.sum()), counts
