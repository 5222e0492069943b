"""COCO: one file for all pictures, categories numbered from 1.

Source: https://cocodataset.org/#format-data (object detection).
"""

from __future__ import annotations

from collections.abc import Sequence

from vlm_demo.rendering.export.labels import DECIMALS, areas, classes, px
from vlm_demo.rendering.export.plain import as_json
from vlm_demo.rendering.export.sheets import Sheet
from vlm_demo.values import Box, Polygon, Size, bounding_box


def coco_of(sheets: Sequence[Sheet]) -> str:
    """Write the boxes and polygons of all pictures."""
    names = classes(mention for sheet in sheets for mention in sheet.mentions)
    ids = {name: index for index, name in enumerate(names, start=1)}
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, sheet in enumerate(sheets, start=1):
        width, height = sheet.size
        images.append({"id": number, "file_name": sheet.name, "width": width, "height": height})
        for name, region in areas(sheet.mentions):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": ids[name],
                    **_place(region, sheet.size),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": index, "name": name} for name, index in ids.items()]
    return as_json({"images": images, "categories": categories, "annotations": annotations})


def _place(region: Box | Polygon, size: Size) -> dict[str, object]:
    x1, y1, x2, y2 = bounding_box(region).to_pixels(size)
    outline = region.to_pixels(size) if isinstance(region, Polygon) else ()
    return {
        "bbox": px((x1, y1, x2 - x1, y2 - y1)),
        "area": round(_area(outline) if outline else (x2 - x1) * (y2 - y1), DECIMALS),
        "segmentation": [[v for corner in outline for v in px(corner)]] if outline else [],
    }


def _area(corners: Sequence[tuple[float, float]]) -> float:
    """Area inside an outline, by the shoelace formula."""
    following = (*corners[1:], corners[0])
    pairs = zip(corners, following, strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2
