"""YOLO: a text file a picture, and data.yaml with the names of the classes.

Sources: https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/segment/
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from vlm_demo.masks import join_rings
from vlm_demo.rendering.export.class_names import class_areas
from vlm_demo.values import Box, Mention, Polygon, Region, bounding_box


def has_polygons(mentions: Sequence[Mention]) -> bool:
    """Whether there is a polygon, so that boxes must be written as outlines too."""
    return any(isinstance(region, Polygon) for _, region in class_areas(mentions))


def export_yolo(mentions: Sequence[Mention], names: Sequence[str], *, outlines: bool) -> str:
    """Return a line `class centre-x centre-y width height` for each region, as fractions.

    With `outlines`, the corners in turn instead: a data set holds boxes or outlines, not both. A
    line is one ring, so the rings of a mask are joined as the format's own converters join them.
    """
    ids = {name: index for index, name in enumerate(names)}
    lines = []
    for name, region in class_areas(mentions):
        numbers = _corners(region) if outlines else _to_centre(bounding_box(region))
        lines.append(" ".join([str(ids[name]), *(f"{v:.6f}" for v in numbers)]) + "\n")
    return "".join(lines)


def export_data_yaml(names: Sequence[str]) -> str:
    """Return data.yaml: where the pictures are and the names of the classes.

    JSON strings are YAML strings. No pictures are set apart for validation: that is the choice of
    the person who trains.
    """
    quoted = (json.dumps(name, ensure_ascii=False) for name in names)
    lines = [f"\n  {index}: {name}" for index, name in enumerate(quoted)]
    return f"train: images\nval: images\nnames:{''.join(lines) or ' {}'}\n"


def _to_centre(box: Box) -> tuple[float, float, float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.x2 - box.x1, box.y2 - box.y1


def _corners(region: Region) -> list[float]:
    """Return x and y of the corners in turn, as fractions, clockwise for a box."""
    if isinstance(region, Polygon):
        return [v for corner in join_rings(region, (1, 1)) for v in corner]
    box = bounding_box(region)
    return [box.x1, box.y1, box.x2, box.y1, box.x2, box.y2, box.x1, box.y2]
