"""Every family against the shared vectors of raw outputs, with what their reference reads there.

A vector's `source` and `computed_by` say where it is from. The comparator: texts and phrases in NFC
with single blanks and none before punctuation; places flattened to (kind, phrase, coordinates),
corners sorted and clipped on both sides, matched as multisets within `tolerance_px`. Only what a
vector's `checks` names is compared.
"""

import json
import re
import unicodedata
from typing import Any

import pytest
from support import DATA

from vlm_demo.families import all_families, get_family
from vlm_demo.values import Box, Frame, Mention, Message, Point, Polygon, Prompt

VECTORS = [json.loads(line) for line in (DATA / "vectors.jsonl").read_text("utf-8").splitlines()]
OURS = [vector for vector in VECTORS if vector["family"] in all_families()]

Place = tuple[str, str, tuple[float, ...]]


@pytest.mark.parametrize("vector", OURS, ids=[vector["id"] for vector in OURS])
def test_output_is_read_as_its_reference_reads_it(vector: dict[str, Any]) -> None:
    size = tuple(vector["image_size"])
    seen = tuple(vector.get("input_size", size))
    frame = Frame(size, seen, vector.get("coordinate_space", ""))
    question = Message("user", vector.get("prompt_task", ""))
    reply = get_family(vector["family"]).reply(vector["raw"], Prompt((question,), frame=frame))
    checks = vector["checks"]
    if "text" in checks:
        assert normal(reply.text) == normal(vector["text"])
    if "geometry" in checks or "phrases" in checks:
        wanted = [place for item in vector["items"] for place in places_of_item(item, size)]
        got = [place for mention in reply.mentions for place in places(mention, size)]
        tolerance = vector["tolerance_px"] if "geometry" in checks else 1e12
        for place in wanted:
            twins = [other for other in got if same(place, other, tolerance, "phrases" in checks)]
            assert twins, f"{place} is missing from {got}"
            got.remove(twins[0])
        assert not got, "places that the reference does not read"


def test_every_family_with_vectors_is_tested() -> None:
    assert {"llava15", "kosmos2", "smolvlm"} <= {vector["family"] for vector in OURS}


def normal(text: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return re.sub(r" (?=[.,;:!?、。])", "", text).strip()


def places(mention: Mention, size: tuple[int, int]) -> list[Place]:
    found = []
    for region in mention.regions:
        match region:
            case Box():
                found.append(("box", mention.phrase, region.to_pixels(size)))
            case Point():
                found.append(("point", mention.phrase, region.to_pixels(size)))
            case Polygon():
                corners = tuple(value for corner in region.to_pixels(size) for value in corner)
                found.append(("polygon", mention.phrase, corners))
    return found


def places_of_item(item: dict[str, Any], size: tuple[int, int]) -> list[Place]:
    phrase = item["phrase"]
    boxes = [("box", phrase, clipped(sorted_corners(box), size)) for box in item["boxes_xyxy_px"]]
    points = [("point", phrase, clipped(point, size)) for point in item["points_px"]]
    polygons = [
        ("polygon", phrase, clipped([value for corner in polygon for value in corner], size))
        for polygon in item["polygons_px"]
    ]
    return [*boxes, *points, *polygons]


def sorted_corners(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = box
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]


def clipped(values: list[float], size: tuple[int, int]) -> tuple[float, ...]:
    return tuple(min(max(v, 0.0), float(size[i % 2])) for i, v in enumerate(values))


def same(one: Place, other: Place, tolerance: float, phrases: bool) -> bool:
    if one[0] != other[0] or (phrases and normal(one[1]) != normal(other[1])):
        return False
    pairs = zip(one[2], other[2], strict=False)
    return len(one[2]) == len(other[2]) and all(abs(a - b) <= tolerance for a, b in pairs)
