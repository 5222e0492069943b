"""Finds the places in JSON, with their labels: boxes, points and polygons of many spellings.

Keys and shapes: cookbooks/spatial_understanding.ipynb of https://github.com/QwenLM/Qwen3-VL,
https://github.com/EvolvingLMMs-Lab/lmms-eval/pull/1373, moondream's API and the Gemini parsers of
https://github.com/roboflow/supervision (0.31).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from vlm_demo.markup.base import Span, parse_number
from vlm_demo.markup.json_scan import Node, OpenBracket, Structure

Shape = Literal["box", "point", "polygon", "any"]
"""What the numbers under a key are; "any": a box or a point, by their count."""

SHAPES: dict[str, Shape] = {
    **dict.fromkeys(("bbox2d", "bbox", "box2d", "box", "boundingbox", "bndbox", "xyxy"), "box"),
    **dict.fromkeys(("bboxes2d", "bboxes", "boxes2d", "boxes", "boundingboxes"), "box"),
    **dict.fromkeys(("point2d", "points2d", "point", "points"), "point"),
    **dict.fromkeys(("polygon", "polygons", "poly", "quad", "segmentation"), "polygon"),
    **dict.fromkeys(("coordinates", "coordinate", "coords", "location", "position"), "any"),
}
"""Keys that name places, as `normalize_key` writes them."""

WRAPPERS = frozenset(
    {"objects", "detections", "predictions", "annotations", "instances", "regions"}
)
"""Keys whose lists of numbers are places, like lists without a key."""

LABELS = (
    *("label", "name", "phrase", "class", "category", "object", "textcontent", "text"),
    *("description", "caption", "ref", "classname", "objectname", "title"),
)
"""Keys that hold the label of an object, the preferred one first."""

_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
_SIZED = (("x", "y", "width", "height"), ("x", "y", "w", "h"))


@dataclass(slots=True)
class JsonPlace:
    """The numbers of one box, point or polygon."""

    shape: Literal["box", "point", "polygon"]
    numbers: tuple[float, ...]
    """The numbers as written, in the order of the JSON."""

    span: Span
    """Where they stand in the text."""

    key: str = ""
    """The key that names them, as `normalize_key` writes it."""

    has_named_numbers: bool = False
    """Whether each number has a key of its own, so that x stands before y in every space."""


@dataclass(slots=True)
class LabelledPlaces:
    """The places of one object, or of one list of numbers without a key."""

    label: str
    places: tuple[JsonPlace, ...]
    is_unnamed: bool = False
    """Whether no key says that the numbers are a place."""

    is_nested: bool = False
    """Whether they are unnamed and stand in a list, `[[..]]`."""


@lru_cache(maxsize=1000)
def normalize_key(key: str) -> str:
    """Return the letters and digits of a key in lower case: "BBox_2D" becomes "bbox2d"."""
    return "".join(filter(str.isalnum, key.lower()))


def find_places(structure: Structure) -> Iterator[LabelledPlaces]:
    """Yield the places in JSON, in its order; in broken JSON, those of its complete values.

    An object that is not closed is not complete, whatever is in it.
    """
    if structure.root:
        yield from _walk(structure.root, "", is_nested=False)
    for bracket in structure.unclosed:
        yield from _walk_open_bracket(bracket)


def _walk_open_bracket(bracket: OpenBracket) -> Iterator[LabelledPlaces]:
    """Look at what is complete in a bracket that is not closed; its places have no label."""
    is_list, parent = bracket.node.kind == "list", normalize_key(bracket.parent_key)
    named: list[JsonPlace] = []
    for key, node in bracket.node.items:
        name = parent if is_list else normalize_key(key)
        if not is_list and _is_flat(node):
            continue  # a part of an object that is lost
        places = _places_under(node, name)
        named += places
        if not places:
            yield from _walk(node, name, is_nested=is_list)
    if named:
        yield LabelledPlaces("", tuple(named))


def names_places(structure: Structure) -> bool:
    """Whether JSON is about places, even if they cannot be read."""
    if structure.root:
        return _names_places("", structure.root)
    return any(
        _names_places(bracket.parent_key, bracket.node)
        or normalize_key(bracket.key or "") in SHAPES
        for bracket in structure.unclosed
    )


def says_no_places(node: Node) -> bool:
    """Whether JSON says that there are no places, as `[]` and `{"objects": []}` do."""
    return node.kind in ("list", "object") and all(
        says_no_places(item)
        and (not key or normalize_key(key) in SHAPES or normalize_key(key) in WRAPPERS)
        for key, item in node.items
    )


def _names_places(key: str, node: Node) -> bool:
    if normalize_key(key) in SHAPES and node.kind not in ("text", "number"):
        return node.kind in ("numbers", "nothing") or not _is_words(node)
    names = {normalize_key(name) for name, _ in node.items}
    return not names.isdisjoint({"xmin", "xmax"}) or any(
        _names_places(name or key, item) for name, item in node.items
    )


def _is_words(node: Node) -> bool:
    """Whether a list or object is empty or holds words, not numbers."""
    return all(item.kind == "text" and _number(item) is None for _, item in node.items)


def _walk(node: Node, name: str, *, is_nested: bool) -> Iterator[LabelledPlaces]:
    """Look at a value under a key; numbers in lists need a fitting one, a wrapper, or none."""
    if node.kind == "object":
        yield from _walk_object(node, name)
    elif node.kind in ("list", "numbers"):
        place = None
        if not name or name in WRAPPERS:
            place = _read_flat(node, "box", name) or _read_polygon(node, name)
        elif name in SHAPES:
            place = _read_flat(node, SHAPES[name], name)
        if place:
            yield LabelledPlaces("", (place,), is_unnamed=not name, is_nested=is_nested)
        else:
            for _, item in node.items:
                yield from _walk(item, name, is_nested=True)


def _walk_object(node: Node, name: str) -> Iterator[LabelledPlaces]:
    own, others = _read_corners(node, name), []
    if SHAPES.get(name) == "point":  # elsewhere x and y may be those of a chart
        own += _read_pair(node, name)
    labels: dict[str, str] = {}
    for key, value in node.items:
        inner = normalize_key(key)
        if value.kind in ("text", "number"):
            labels.setdefault(inner, value.text.strip())
        elif places := _places_under(value, inner):
            own += places
        else:
            others.append((inner or "?", value))
    if own:
        label = next((labels[key] for key in LABELS if labels.get(key)), "")
        yield LabelledPlaces(label, tuple(own))
    for inner, value in others:
        yield from _walk(value, inner, is_nested=False)


def _places_under(node: Node, name: str) -> list[JsonPlace]:
    """Return the places that stand under a key, if it names places: one, or a list of them."""
    return list(_read_places(node, SHAPES[name], name)) if name in SHAPES else []


def _read_places(node: Node, shape: Shape, name: str) -> Iterator[JsonPlace]:
    if node.kind == "object" and not _names_itself(node):
        yield from _read_corners(node, name) if shape == "box" else _read_pair(node, name)
    elif node.kind in ("list", "numbers"):
        place = _read_flat(node, shape, name) or _read_corner_lists(node, shape, name)
        if place:
            yield place
        elif not any(_names_itself(item) for _, item in node.items):
            for _, item in node.items:
                yield from _read_places(item, shape, name)


def _names_itself(node: Node) -> bool:
    """Whether an object has a label or places of its own, not only the numbers of one place."""
    return any(
        normalize_key(key) in SHAPES or normalize_key(key) in LABELS for key, _ in node.items
    )


def _read_flat(node: Node, shape: Shape, name: str) -> JsonPlace | None:
    """Read `[x1, y1, x2, y2]`, `[x, y]` or `[x, y, x, y, x, y, ..]`; no other count (H5)."""
    values = _numbers(node)
    match shape, len(values):
        case ("box" | "any", 4):
            return JsonPlace("box", values, (node.start, node.end), name)
        case ("point" | "any", 2):
            return JsonPlace("point", values, (node.start, node.end), name)
        case ("polygon", count) if count >= 6 and count % 2 == 0:
            return JsonPlace("polygon", values, (node.start, node.end), name)
    return None


def _read_corner_lists(node: Node, shape: Shape, name: str) -> JsonPlace | None:
    """Read a box of two corners, `[[x, y], [x, y]]`, or a polygon."""
    if shape == "polygon":
        return _read_polygon(node, name)
    if shape == "box" and len(node.items) == 2:
        one, other = (_numbers(item) for _, item in node.items)
        if len(one) == len(other) == 2:
            return JsonPlace("box", one + other, (node.start, node.end), name)
    return None


def _read_polygon(node: Node, name: str) -> JsonPlace | None:
    """Read `[[x, y], [x, y], [x, y], ..]`."""
    if len(node.items) < 3:
        return None
    corners = [_numbers(item) for _, item in node.items]
    if any(len(corner) != 2 for corner in corners):
        return None
    return JsonPlace("polygon", tuple(v for c in corners for v in c), (node.start, node.end), name)


def _read_corners(node: Node, name: str) -> list[JsonPlace]:
    """Read `{"x_min": .., "y_min": .., "x_max": .., "y_max": ..}` and the like."""
    values, span = _number_fields(node), (node.start, node.end)
    for names in _CORNERS:
        if all(corner in values for corner in names):
            return [
                JsonPlace(
                    "box", tuple(values[n] for n in names), span, name, has_named_numbers=True
                )
            ]
    for names in _SIZED:
        if all(side in values for side in names):
            x, y, width, height = (values[side] for side in names)
            return [
                JsonPlace("box", (x, y, x + width, y + height), span, name, has_named_numbers=True)
            ]
    return []


def _read_pair(node: Node, name: str) -> list[JsonPlace]:
    values = _number_fields(node)
    if "x" not in values or "y" not in values:
        return []
    numbers = (values["x"], values["y"])
    return [JsonPlace("point", numbers, (node.start, node.end), name, has_named_numbers=True)]


def _number_fields(node: Node) -> dict[str, float]:
    values = ((normalize_key(key), _number(item)) for key, item in node.items)
    return {name: value for name, value in values if value is not None}


def _is_flat(node: Node) -> bool:
    return all(item.kind not in ("list", "numbers", "object") for _, item in node.items)


def _numbers(node: Node) -> tuple[float, ...]:
    """Return a list's numbers; () if anything else is in it."""
    match node.kind:
        case "numbers":
            items = node.text[1:-1].rstrip().removesuffix(",").split(",")
            values = [parse_number(item) for item in items]
        case "list":
            values = [_number(item) for _, item in node.items]
        case _:
            values = []
    return () if None in values else tuple(value for value in values if value is not None)


def _number(node: Node) -> float | None:
    """Return a number, even one in quotes."""
    return parse_number(node.text) if node.kind in ("number", "text") else None
