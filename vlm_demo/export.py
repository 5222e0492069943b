"""Places in an answer, in the forms that other programs read.

Numbers are pixels of the picture, except YOLO's, which are fractions. JSON and CSV keep boxes,
points and polygons. COCO, YOLO and Pascal VOC are formats of areas: points are left out there, and
Pascal VOC gets the box around a polygon. Phrases become their classes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Literal, NotRequired, TypedDict
from xml.etree import ElementTree

from vlm_demo.types import Box, Mention, Point, Polygon, Region, Reply, Size, outer_box

Format = Literal["json", "coco", "yolo", "voc", "csv"]

DECIMALS = 4
"""Of a coordinate in pixels; hides the noise of binary fractions."""

UNNAMED = "object"
"""The class of a place without a phrase."""


class Item(TypedDict):
    """One phrase and its places, in pixels of the picture as it is seen upright."""

    phrase: str
    boxes_xyxy_px: list[list[float]]
    points_px: list[list[float]]
    polygons_px: list[list[list[float]]]
    confidence: NotRequired[float]


class Answer(TypedDict):
    """An answer and its places, in the order of the text."""

    text: str
    items: list[Item]


def to_answer(reply: Reply, size: Size) -> Answer:
    """Return the reply as plain data; `size` is the picture's."""
    return {"text": reply.text, "items": [_item(mention, size) for mention in reply.mentions]}


def export(reply: Reply, size: Size, form: Format, *, file_name: str = "picture") -> str:
    """Write the places of a reply; `size` and `file_name` are the picture's."""
    mentions = reply.mentions
    match form:
        case "json":
            return as_json(to_answer(reply, size))
        case "coco":
            return as_json(_coco(mentions, size, file_name))
        case "yolo":
            return _yolo(mentions)
        case "voc":
            return _voc(mentions, size, file_name)
        case "csv":
            return _csv(mentions, size)


def classes(mentions: Sequence[Mention]) -> tuple[str, ...]:
    """Return the class names; YOLO writes the place of each in this order, from 0."""
    return tuple(dict.fromkeys(_class_name(mention.phrase) for mention in mentions))


def _item(mention: Mention, size: Size) -> Item:
    regions = mention.regions
    item: Item = {
        "phrase": mention.phrase,
        "boxes_xyxy_px": [_px(r.to_pixels(size)) for r in regions if isinstance(r, Box)],
        "points_px": [_px(r.to_pixels(size)) for r in regions if isinstance(r, Point)],
        "polygons_px": [
            [_px(corner) for corner in region.to_pixels(size)]
            for region in regions
            if isinstance(region, Polygon)
        ],
    }
    if mention.confidence is not None:
        item["confidence"] = mention.confidence
    return item


def as_json(value: object) -> str:
    """Write plain data as one line of JSON."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def _coco(mentions: Sequence[Mention], size: Size, file_name: str) -> dict[str, object]:
    """Source: https://cocodataset.org/#format-data (object detection)."""
    names = classes(mentions)
    annotations: list[dict[str, object]] = []
    for name, region in _areas(mentions):
        x1, y1, x2, y2 = outer_box(region).to_pixels(size)
        outline = region.to_pixels(size) if isinstance(region, Polygon) else ()
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": 1,
                "category_id": names.index(name) + 1,
                "bbox": _px((x1, y1, x2 - x1, y2 - y1)),
                "area": round(_area(outline) if outline else (x2 - x1) * (y2 - y1), DECIMALS),
                "segmentation": [[v for corner in outline for v in _px(corner)]] if outline else [],
                "iscrowd": 0,
            }
        )
    return {
        "images": [{"id": 1, "file_name": file_name, "width": size[0], "height": size[1]}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names, start=1)],
        "annotations": annotations,
    }


def _yolo(mentions: Sequence[Mention]) -> str:
    """Write `class centre-x centre-y width height` a line, as fractions of the picture.

    A file holds boxes or outlines, not both, so one polygon makes outlines of the boxes too.
    Sources: https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/segment/
    """
    names = classes(mentions)
    areas = list(_areas(mentions))
    outlines = any(isinstance(region, Polygon) for _, region in areas)
    lines = []
    for name, region in areas:
        numbers = _corners(region) if outlines else _centred(outer_box(region))
        lines.append(" ".join([str(names.index(name)), *(f"{v:.6f}" for v in numbers)]) + "\n")
    return "".join(lines)


def _voc(mentions: Sequence[Mention], size: Size, file_name: str) -> str:
    """Write the annotation of one picture; pixels are whole and count from 1.

    Source: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html
    """
    root = ElementTree.Element("annotation")
    _element(root, "filename", _printable(file_name))
    shape = ElementTree.SubElement(root, "size")
    for tag, number in (("width", size[0]), ("height", size[1]), ("depth", 3)):
        _element(shape, tag, str(number))
    for name, region in _areas(mentions):
        thing = ElementTree.SubElement(root, "object")
        _element(thing, "name", name)
        for tag in ("truncated", "difficult"):
            _element(thing, tag, "0")
        x1, y1, x2, y2 = map(round, outer_box(region).to_pixels(size))
        xmin, ymin = min(x1 + 1, size[0]), min(y1 + 1, size[1])  # also of an empty box
        corners = {"xmin": xmin, "ymin": ymin, "xmax": max(x2, xmin), "ymax": max(y2, ymin)}
        bounds = ElementTree.SubElement(thing, "bndbox")
        for tag, number in corners.items():
            _element(bounds, tag, str(number))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _csv(mentions: Sequence[Mention], size: Size) -> str:
    """Write one row a place; `outline_px` holds the x and y of a polygon's corners in turn."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["phrase", "kind", "x1_px", "y1_px", "x2_px", "y2_px", "outline_px"])
    for mention in mentions:
        for region in mention.regions:
            outline = ""
            if isinstance(region, Polygon):
                corners = [v for corner in region.to_pixels(size) for v in _px(corner)]
                outline = " ".join(map(str, corners))
            kind = type(region).__name__.lower()
            bounds = _px(outer_box(region).to_pixels(size))
            rows.writerow([_cell(mention.phrase), kind, *bounds, outline])
    return table.getvalue()


def _areas(mentions: Sequence[Mention]) -> Iterator[tuple[str, Box | Polygon]]:
    """Yield each box and polygon with its class, in order."""
    for mention in mentions:
        for region in mention.regions:
            if not isinstance(region, Point):
                yield _class_name(mention.phrase), region


def _px(numbers: Sequence[float]) -> list[float]:
    return [round(float(number), DECIMALS) for number in numbers]


def _area(corners: Sequence[tuple[float, float]]) -> float:
    """Area inside an outline, by the shoelace formula."""
    following = (*corners[1:], corners[0])
    pairs = zip(corners, following, strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def _centred(box: Box) -> tuple[float, float, float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.x2 - box.x1, box.y2 - box.y1


def _corners(region: Region) -> list[float]:
    """Return x and y of the corners in turn, as fractions, clockwise for a box."""
    if isinstance(region, Polygon):
        return [v for point in region.points for v in (point.x, point.y)]
    box = outer_box(region)
    return [box.x1, box.y1, box.x2, box.y1, box.x2, box.y2, box.x1, box.y2]


# What XML 1.0 cannot hold, and no label should: control characters and lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")


def _printable(text: str) -> str:
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def _class_name(phrase: str) -> str:
    return _printable(phrase) or UNNAMED


def _cell(text: str) -> str:
    """Keep a spreadsheet from running a label as a formula.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = _printable(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _element(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text
