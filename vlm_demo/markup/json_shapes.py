"""Which places a value of JSON holds, and under which label.

Keys and shapes: cookbooks/spatial_understanding.ipynb of https://github.com/QwenLM/Qwen3-VL,
https://github.com/EvolvingLMMs-Lab/lmms-eval/pull/1373, moondream's API and the Gemini parsers of
https://github.com/roboflow/supervision (0.31).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from vlm_demo.markup.base import Span, number
from vlm_demo.markup.json_scan import Bracket, Node, Structure

Shape = Literal["box", "point", "polygon", "any"]

SHAPES: dict[str, Shape] = {
    **dict.fromkeys(("bbox2d", "bbox", "box2d", "box", "boundingbox", "bndbox", "xyxy"), "box"),
    **dict.fromkeys(("bboxes2d", "bboxes", "boxes2d", "boxes", "boundingboxes"), "box"),
    **dict.fromkeys(("point2d", "points2d", "point", "points"), "point"),
    **dict.fromkeys(("polygon", "polygons", "poly", "quad", "segmentation"), "polygon"),
    **dict.fromkeys(("coordinates", "coordinate", "coords", "location", "position"), "any"),
}
"""Keys that name places, as `plain` writes them."""

WRAPPERS = frozenset(
    {"objects", "detections", "predictions", "annotations", "instances", "regions"}
)
"""Keys whose lists of numbers are places like lists without a key."""

LABELS = (
    *("label", "name", "phrase", "class", "category", "object", "textcontent", "text"),
    *("description", "caption", "ref", "classname", "objectname", "title"),
)

_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
_SIZED = (("x", "y", "width", "height"), ("x", "y", "w", "h"))


@dataclass(slots=True)
class Place:
    """Numbers as written, and what they are the numbers of."""

    shape: Literal["box", "point", "polygon"]
    numbers: tuple[float, ...]
    span: Span
    key: str = ""  # what names them, as `plain` writes it
    is_named: bool = False  # each number has a name of its own, so x stands before y


@dataclass(slots=True)
class Found:
    """The places of one object, or of one list of numbers that nothing names."""

    label: str
    places: tuple[Place, ...]
    is_bare: bool = False  # nothing names them
    is_nested: bool = False  # and they stand in a list, `[[..]]`


@lru_cache(maxsize=1000)
def plain(key: str) -> str:
    """Return a key in lower case, only its letters and digits: "BBox_2D" is "bbox2d"."""
    return "".join(filter(str.isalnum, key.lower()))


def found_in(structure: Structure) -> Iterator[Found]:
    """Yield the places in JSON, in its order; of broken JSON, those of what is complete.

    An object that is not closed is not complete, whatever is in it.
    """
    if structure.root:
        yield from _walk(structure.root, "", is_nested=False)
    for bracket in structure.unclosed:
        yield from _within(bracket)


def _within(bracket: Bracket) -> Iterator[Found]:
    """Look at what is complete in a bracket that is not; nothing is known to label it."""
    is_list, under = bracket.node.kind == "list", plain(bracket.under)
    named: list[Place] = []
    for key, node in bracket.node.items:
        name = under if is_list else plain(key)
        if not is_list and _is_flat(node):
            continue  # a part of an object that is lost
        places = _places(node, name)
        named += places
        if not places:
            yield from _walk(node, name, is_nested=is_list)
    if named:
        yield Found("", tuple(named))


def names_places(structure: Structure) -> bool:
    """Whether JSON is about places, also such that cannot be read."""
    if structure.root:
        return _names_places("", structure.root)
    return any(
        _names_places(bracket.under, bracket.node) or plain(bracket.key or "") in SHAPES
        for bracket in structure.unclosed
    )


def says_none(node: Node) -> bool:
    """Whether JSON says that there are no places, as `[]` and `{"objects": []}` do."""
    return node.kind in ("list", "object") and all(
        says_none(item) and (not key or plain(key) in SHAPES or plain(key) in WRAPPERS)
        for key, item in node.items
    )


def _names_places(key: str, node: Node) -> bool:
    if plain(key) in SHAPES and node.kind not in ("text", "number"):
        return node.kind in ("numbers", "nothing") or not _is_words(node)
    names = {plain(name) for name, _ in node.items}
    return not names.isdisjoint({"xmin", "xmax"}) or any(
        _names_places(name or key, item) for name, item in node.items
    )


def _is_words(node: Node) -> bool:
    """Whether a list or object is empty or holds words, not numbers."""
    return all(item.kind == "text" and _number(item) is None for _, item in node.items)


def _walk(node: Node, name: str, *, is_nested: bool) -> Iterator[Found]:
    """Look at a value under a key; numbers in lists need a fitting one, a wrapper, or none."""
    if node.kind == "object":
        yield from _in_object(node, name)
    elif node.kind in ("list", "numbers"):
        place = None
        if not name or name in WRAPPERS:
            place = _flat(node, "box", name) or _outline(node, name)
        elif name in SHAPES:
            place = _flat(node, SHAPES[name], name)
        if place:
            yield Found("", (place,), is_bare=not name, is_nested=is_nested)
        else:
            for _, item in node.items:
                yield from _walk(item, name, is_nested=True)


def _in_object(node: Node, name: str) -> Iterator[Found]:
    own, others = _corners(node, name), []
    if SHAPES.get(name) == "point":  # elsewhere x and y may be those of a chart
        own += _pair(node, name)
    labels: dict[str, str] = {}
    for key, value in node.items:
        inner = plain(key)
        if value.kind in ("text", "number"):
            labels.setdefault(inner, value.text.strip())
        elif places := _places(value, inner):
            own += places
        else:
            others.append((inner or "?", value))
    if own:
        label = next((labels[key] for key in LABELS if labels.get(key)), "")
        yield Found(label, tuple(own))
    for inner, value in others:
        yield from _walk(value, inner, is_nested=False)


def _places(node: Node, name: str) -> list[Place]:
    """Read what a key names, if it names places: one, or a list of them."""
    return list(_named(node, SHAPES[name], name)) if name in SHAPES else []


def _named(node: Node, shape: Shape, name: str) -> Iterator[Place]:
    if node.kind == "object" and not _names_itself(node):
        yield from _corners(node, name) if shape == "box" else _pair(node, name)
    elif node.kind in ("list", "numbers"):
        place = _flat(node, shape, name) or _joined(node, shape, name)
        if place:
            yield place
        elif not any(_names_itself(item) for _, item in node.items):
            for _, item in node.items:
                yield from _named(item, shape, name)


def _names_itself(node: Node) -> bool:
    """Whether an object has a label or places of its own, not only the numbers of one place."""
    return any(plain(key) in SHAPES or plain(key) in LABELS for key, _ in node.items)


def _flat(node: Node, shape: Shape, name: str) -> Place | None:
    """Read `[x1, y1, x2, y2]`, `[x, y]` or `[x, y, x, y, x, y, ..]`; another count is none (H5)."""
    values = _numbers(node)
    match shape, len(values):
        case ("box" | "any", 4):
            return Place("box", values, (node.start, node.end), name)
        case ("point" | "any", 2):
            return Place("point", values, (node.start, node.end), name)
        case ("polygon", count) if count >= 6 and count % 2 == 0:
            return Place("polygon", values, (node.start, node.end), name)
    return None


def _joined(node: Node, shape: Shape, name: str) -> Place | None:
    """Read a box of two corners, `[[x, y], [x, y]]`, or an outline."""
    if shape == "polygon":
        return _outline(node, name)
    if shape == "box" and len(node.items) == 2:
        one, other = (_numbers(item) for _, item in node.items)
        if len(one) == len(other) == 2:
            return Place("box", one + other, (node.start, node.end), name)
    return None


def _outline(node: Node, name: str) -> Place | None:
    """Read `[[x, y], [x, y], [x, y], ..]`."""
    if len(node.items) < 3:
        return None
    corners = [_numbers(item) for _, item in node.items]
    if any(len(corner) != 2 for corner in corners):
        return None
    return Place("polygon", tuple(v for c in corners for v in c), (node.start, node.end), name)


def _corners(node: Node, name: str) -> list[Place]:
    """Read `{"x_min": .., "y_min": .., "x_max": .., "y_max": ..}` and the like."""
    values, span = _named_numbers(node), (node.start, node.end)
    for names in _CORNERS:
        if all(corner in values for corner in names):
            return [Place("box", tuple(values[n] for n in names), span, name, is_named=True)]
    for names in _SIZED:
        if all(side in values for side in names):
            x, y, width, height = (values[side] for side in names)
            return [Place("box", (x, y, x + width, y + height), span, name, is_named=True)]
    return []


def _pair(node: Node, name: str) -> list[Place]:
    values = _named_numbers(node)
    if "x" not in values or "y" not in values:
        return []
    numbers = (values["x"], values["y"])
    return [Place("point", numbers, (node.start, node.end), name, is_named=True)]


def _named_numbers(node: Node) -> dict[str, float]:
    values = ((plain(key), _number(item)) for key, item in node.items)
    return {name: value for name, value in values if value is not None}


def _is_flat(node: Node) -> bool:
    return all(item.kind not in ("list", "numbers", "object") for _, item in node.items)


def _numbers(node: Node) -> tuple[float, ...]:
    """Return a list's numbers; none at all if anything else is in it."""
    match node.kind:
        case "numbers":
            items = node.text[1:-1].rstrip().removesuffix(",").split(",")
            values = [number(item) for item in items]
        case "list":
            values = [_number(item) for _, item in node.items]
        case _:
            values = []
    return () if None in values else tuple(value for value in values if value is not None)


def _number(node: Node) -> float | None:
    """Return a number, also one in quotes."""
    return number(node.text) if node.kind in ("number", "text") else None
