"""Places as JSON, and as a table for spreadsheets. Numbers are pixels of the picture."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import NotRequired, TypedDict

from vlm_demo.rendering.export.labels import printable, px
from vlm_demo.rendering.export.sheets import Sheet
from vlm_demo.values import Box, Mention, Point, Polygon, Reply, Size, bounding_box

COLUMNS = ("phrase", "kind", "x1_px", "y1_px", "x2_px", "y2_px", "outline_px")


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


def as_json(value: object) -> str:
    """Write plain data as one line of JSON."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def json_of(sheets: Sequence[Sheet]) -> str:
    """Write one answer as itself, several as a list with the picture that each is about."""
    answers = [(sheet, reply) for sheet in sheets for reply in sheet.replies]
    if len(answers) == 1:
        ((sheet, reply),) = answers
        return as_json(to_answer(reply, sheet.size))
    return as_json(
        [
            {"picture": sheet.name, "size": list(sheet.size), **to_answer(reply, sheet.size)}
            for sheet, reply in answers
        ]
    )


def csv_of(sheets: Sequence[Sheet]) -> str:
    """Write one row a place; `outline_px` holds the x and y of a polygon's corners in turn.

    Where there are several pictures, the first column names them.
    """
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    several = len(sheets) > 1
    rows.writerow([*(["picture"] if several else []), *COLUMNS])
    for sheet in sheets:
        picture = [cell(sheet.name)] if several else []
        for mention in sheet.mentions:
            rows.writerows([*picture, *row] for row in _rows(mention, sheet.size))
    return table.getvalue()


def _item(mention: Mention, size: Size) -> Item:
    regions = mention.regions
    item: Item = {
        "phrase": mention.phrase,
        "boxes_xyxy_px": [px(r.to_pixels(size)) for r in regions if isinstance(r, Box)],
        "points_px": [px(r.to_pixels(size)) for r in regions if isinstance(r, Point)],
        "polygons_px": [
            [px(corner) for corner in region.to_pixels(size)]
            for region in regions
            if isinstance(region, Polygon)
        ],
    }
    if mention.confidence is not None:
        item["confidence"] = mention.confidence
    return item


def _rows(mention: Mention, size: Size) -> list[list[object]]:
    rows: list[list[object]] = []
    for region in mention.regions:
        outline = ""
        if isinstance(region, Polygon):
            corners = [v for corner in region.to_pixels(size) for v in px(corner)]
            outline = " ".join(map(str, corners))
        bounds = px(bounding_box(region).to_pixels(size))
        rows.append([cell(mention.phrase), type(region).__name__.lower(), *bounds, outline])
    return rows


def cell(text: str) -> str:
    """Keep a spreadsheet from running a label as a formula.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = printable(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
