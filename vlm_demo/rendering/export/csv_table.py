"""Regions as a table for spreadsheets. Numbers are pixels of the picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import chain

from vlm_demo.markup.region_json import round_px
from vlm_demo.rendering.export.annotated_image import AnnotatedImage
from vlm_demo.rendering.export.class_names import to_printable
from vlm_demo.values import Mention, Polygon, Size, bounding_box

COLUMNS = ("phrase", "kind", "x1_px", "y1_px", "x2_px", "y2_px", "outline_px")
"""Names of the columns; with several pictures, `picture` comes before them, and `image_index`
where a region is not on the first picture that the model was shown. Where several things were
looked for, `target` comes after them."""


def export_csv(images: Sequence[AnnotatedImage]) -> str:
    """Return one row for each region; `outline_px` holds x and y of a polygon's corners in turn.

    Semicolons separate the rings of a polygon that has several.
    """
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    several = len(images) > 1
    mentions = [mention for annotated in images for mention in annotated.mentions]
    numbered = any(mention.image_index for mention in mentions)
    has_targets = any(mention.target for mention in mentions)
    ahead = [*(["picture"] if several else []), *(["image_index"] if numbered else [])]
    rows.writerow([*ahead, *COLUMNS, *(["target"] if has_targets else [])])
    for annotated in images:
        picture = [escape_cell(annotated.name)] if several else []
        for mention in annotated.mentions:
            index = [mention.image_index] if numbered else []
            target = [escape_cell(mention.target)] if has_targets else []
            for row in _rows(mention, annotated.size):
                rows.writerow([*picture, *index, *row, *target])
    return table.getvalue()


def _rows(mention: Mention, size: Size) -> list[list[object]]:
    rows: list[list[object]] = []
    for region in mention.regions:
        outline = ""
        if isinstance(region, Polygon):
            rings = region.rings_to_pixels(size)
            outline = " ; ".join(" ".join(map(str, chain(*map(round_px, ring)))) for ring in rings)
        bounds = round_px(bounding_box(region).to_pixels(size))
        rows.append([escape_cell(mention.phrase), type(region).__name__.lower(), *bounds, outline])
    return rows


def escape_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs as a formula.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = to_printable(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
