"""Keys that JSON about places has: what names a place, what names its label, what wraps both.

Sources: cookbooks/spatial_understanding.ipynb of https://github.com/QwenLM/Qwen3-VL,
https://github.com/EvolvingLMMs-Lab/lmms-eval/pull/1373, moondream's API, the Gemini parsers of
https://github.com/roboflow/supervision (0.31), Florence-2's processor in transformers, and
https://cocodataset.org/#format-data.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

Shape = Literal["box", "point", "polygon", "any"]
"""What the numbers under a key are; "any": a box or a point, by their count."""

SHAPES: dict[str, Shape] = {
    **dict.fromkeys(("bbox2d", "bbox", "box2d", "box", "boundingbox", "bndbox", "xyxy"), "box"),
    **dict.fromkeys(("bboxes2d", "bboxes", "boxes2d", "boxes", "boundingboxes"), "box"),
    **dict.fromkeys(("bboxxyxy", "boxxyxy", "bboxcoordinates", "boundingbox2d", "rect"), "box"),
    **dict.fromkeys(("point2d", "points2d", "point", "points", "clickpoint"), "point"),
    **dict.fromkeys(("polygon", "polygons", "poly", "quad", "segmentation"), "polygon"),
    **dict.fromkeys(("vertices", "contour", "outline", "quadbox", "quadboxes"), "polygon"),
    **dict.fromkeys(("coordinates", "coordinate", "coords", "location", "position"), "any"),
    **dict.fromkeys(("pos", "region", "startbox", "endbox"), "any"),
}
"""Keys that name places, as `normalize_key` writes them."""

SIZED_KEYS = frozenset({"xywh", "bboxxywh", "boxxywh", "ltwh"})
"""Keys whose four numbers are x, y, width and height."""

SOLID_KEYS = frozenset({"bbox3d", "box3d", "bboxes3d", "boxes3d", "boundingbox3d", "cuboid"})
"""Keys of boxes in space (cookbooks/3d_grounding.ipynb of Qwen3-VL), which are on no picture."""

WRAPPERS = frozenset(
    {"objects", "detections", "predictions", "annotations", "instances", "regions"}
)
"""Keys whose lists of numbers are places, like lists without a key."""

LABELS = (
    *("label", "name", "phrase", "class", "category", "object", "textcontent", "text"),
    *("description", "caption", "ref", "classname", "objectname", "title", "objecttype"),
    *("entity", "categoryname", "labelname", "content", "transcription", "element", "type"),
)
"""Keys that hold the label of an object, the preferred one first."""

LABEL_LISTS = (
    *("labels", "names", "phrases", "classes", "categories", "classnames", "captions", "texts"),
    *("bboxeslabels", "polygonslabels"),
)
"""Keys that hold the labels of a list of places, in its order."""

NO_LABELS = frozenset(
    {
        *("arguments", "parameters", "params", "args", "action", "actions", "function", "input"),
        *("result", "results", "res", "answer", "answers", "response", "output", "outputs", "data"),
        *("items", "item", "image", "images", "picture", "frame", "frames", "target", "targets"),
        *(
            "found",
            "elements",
            "entities",
            "list",
            "json",
            "properties",
            "groundtruth",
            "grounding",
        ),
        *("size", "imagesize", "shape", "color", "colour", "rgb", "rgba", "scores", "score"),
        *("confidence", "confidences", "ratings", "values", "numbers", "counts", "padding"),
        *("margin", "array", "vector", "matrix", "reasoning", "info", "metadata", "ids", "od"),
    }
)
"""Keys above places that say nothing about what is there."""


@lru_cache(maxsize=1000)
def normalize_key(key: str) -> str:
    """Return the letters and digits of a key in lower case: "BBox_2D" becomes "bbox2d"."""
    return "".join(filter(str.isalnum, key.lower()))


def is_name(key: str) -> bool:
    """Whether a key that stands above places is what they are called, as "dog" is."""
    name = normalize_key(key)
    return bool(name) and not (
        name.isdigit()
        or name in SHAPES
        or name in WRAPPERS
        or name in NO_LABELS
        or name in LABELS
        or name in LABEL_LISTS
        or name in SIZED_KEYS
        or name in SOLID_KEYS
    )
