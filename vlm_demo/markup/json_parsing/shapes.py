"""Finds the places in JSON, with their labels: boxes, points and polygons of many spellings.

The keys stand in `keys`, the ways to write one place in `numbers`. COCO's annotations
(`category_id` beside `bbox`, https://cocodataset.org/#format-data) are x, y, width and height in
pixels, and named by the list of categories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vlm_demo.markup.json_parsing.keys import (
    LABEL_LISTS,
    LABELS,
    SHAPES,
    SIZED_KEYS,
    SOLID_KEYS,
    WRAPPERS,
    Shape,
    is_name,
    normalize_key,
)
from vlm_demo.markup.json_parsing.numbers import (
    JsonPlace,
    names_itself,
    read_corner_lists,
    read_corners,
    read_extent_box,
    read_flat,
    read_number,
    read_numbers,
    read_pair,
    read_polygon,
    read_text,
)
from vlm_demo.markup.json_parsing.scan import Node, Structure

_NOTHING = frozenset({"", "none", "null", "n/a", "nothing", "not found", "not present"})
"""Texts in the place of numbers that say that there is nothing."""


@dataclass(slots=True)
class LabelledPlaces:
    """The places of one object, or of one list of numbers without a key."""

    label: str
    places: tuple[JsonPlace, ...]
    is_unnamed: bool = False
    """Whether no key says that the numbers are a place."""

    is_nested: bool = False
    """Whether they are unnamed and stand in a list, `[[..]]`."""


def find_places(structure: Structure) -> Iterator[LabelledPlaces]:
    """Yield the places in JSON, in its order; in broken JSON, those of its complete values.

    An object that is not closed counts with what is complete in it (house rule H11).
    """
    tops = [structure.root] if structure.root else [b.node for b in structure.unclosed]
    finder = _PlaceFinder(_category_names(tops))
    if structure.root:
        yield from finder.walk(structure.root, "", "")
    points: list[LabelledPlaces] = []
    for bracket in structure.unclosed:
        bracket.node.end = structure.end
        name = normalize_key(bracket.parent_key)
        if bracket.node.kind == "object":
            groups = list(finder.walk_object(bracket.node, name, bracket.parent_key))
            if points and len(groups) == 1 and not names_itself(bracket.node):
                points[-1].places += groups[0].places  # the last one of the list around it
                continue
        else:
            groups = list(finder.walk_open_list(bracket.node, name))
            points = [group for group in groups if name in SHAPES][-1:]
        yield from groups


def count_unread_places(structure: Structure) -> int:
    """Return how many values have a key that names a place and numbers that make none."""
    tops = [structure.root] if structure.root else [b.node for b in structure.unclosed]
    broken = structure.unclosed[-1:] if not structure.is_cut_off else ()
    half = sum(
        b.node.kind == "list"
        and _is_certain(normalize_key(b.parent_key))
        and any(item.kind == "number" for _, item in b.node.items)
        for b in broken
    )
    return half + sum(_count_unread(top) for top in tops)


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
    """Whether JSON says that there are no places, as `[]` and `{"bbox_2d": null}` do."""
    match node.kind:
        case "object":
            names = [normalize_key(key) for key, _ in node.items]
            is_about_places = any(name in SHAPES or name in WRAPPERS for name in names)
            return (not node.items or is_about_places) and all(
                says_no_places(item)
                if name in SHAPES or name in WRAPPERS
                else item.kind in ("text", "number", "nothing")
                for name, (_, item) in zip(names, node.items, strict=True)
            )
        case "list":
            return all(says_no_places(item) for _, item in node.items)
        case "numbers":
            return is_zero(read_numbers(node))
        case "text":
            return node.text.strip().lower() in _NOTHING
    return node.kind == "nothing"


def is_zero(numbers: Sequence[float]) -> bool:
    """Whether a box is written that says "not found", `[0, 0, 0, 0]`."""
    return len(numbers) == 4 and not any(numbers)


@dataclass(slots=True)
class _PlaceFinder:
    """Walks through JSON."""

    categories: Mapping[str, str] = field(default_factory=dict)
    """COCO's names of categories, by their ids as written."""

    def walk(
        self, node: Node, name: str, label: str, *, is_nested: bool = False
    ) -> Iterator[LabelledPlaces]:
        """Look at a value under a key; numbers in lists need a fitting one, a wrapper, or none.

        Args:
            node: the value.
            name: the key, as `normalize_key` writes it; "": there is none.
            label: what places without a label of their own are called; the key as written.
            is_nested: whether it stands in a list.
        """
        if node.kind == "object":
            yield from self.walk_object(node, name, label)
        elif node.kind in ("list", "numbers"):
            place = None
            if not name or name in WRAPPERS:
                place = (
                    read_flat(node, "box", name)
                    or read_corner_lists(node, "box", name)
                    or read_polygon(node, name)
                )
            elif name in SHAPES:
                place = read_flat(node, SHAPES[name], name)
            if place and not is_zero(place.numbers):
                named = label if is_name(label) else ""
                yield LabelledPlaces(named, (place,), is_unnamed=not name, is_nested=is_nested)
            elif not place:
                label = _first_word(node) or label  # ["dog", [x1, y1, x2, y2]]
                for _, item in node.items:
                    yield from self.walk(item, name, label, is_nested=True)

    def walk_object(self, node: Node, name: str, parent: str) -> Iterator[LabelledPlaces]:
        """Look at an object under a key."""
        own = self._read_own(node, name)
        is_coco = _is_coco({normalize_key(key) for key, _ in node.items})
        labels: dict[str, str] = {}
        lists: dict[str, list[str]] = {}
        others: list[tuple[str, Node]] = []
        for key, value in node.items:
            inner = normalize_key(key)
            if is_coco and (inner in SHAPES or inner in SIZED_KEYS):
                continue
            if places := _places_under(value, inner):
                own += places
            elif value.kind in ("text", "number"):
                labels.setdefault(inner, value.text.strip())
            elif inner in (*LABELS, *LABEL_LISTS) and (words := _words(value)):
                lists.setdefault(inner, words)
            else:
                others.append((key, value))
        are_boxes = _names_boxes(node)
        is_something = bool(own) or any(key in LABELS for key in labels)
        own = [place for place in own if not is_zero(place.numbers)]
        if own:
            yield from self._label(own, labels, lists, parent)
        for key, value in others:
            if not is_something and is_name(key) and (places := _read_named_lists(value)):
                yield LabelledPlaces(key.strip(), tuple(places), is_unnamed=not are_boxes)
            else:
                label = key.strip() if is_name(key) else parent
                yield from self.walk(value, normalize_key(key) or "?", label)

    def _read_own(self, node: Node, name: str) -> list[JsonPlace]:
        """Read an object that is a place itself, by numbers with a key each, or one of COCO's."""
        if _is_coco({normalize_key(key) for key, _ in node.items}):
            return _read_coco(node)
        if corners := read_corners(node, name):
            return corners
        is_point = SHAPES.get(name) in ("point", "any")  # elsewhere x and y may be of a chart
        return read_pair(node, name) if is_point else _read_lone_point(node, name)

    def walk_open_list(self, node: Node, name: str) -> Iterator[LabelledPlaces]:
        """Look at what is complete in a list that is not closed; its places have no label."""
        named: list[JsonPlace] = []
        for _, item in node.items:
            places = [p for p in _places_under(item, name) if not is_zero(p.numbers)]
            named += places
            if not places:
                yield from self.walk(item, name, "", is_nested=True)
        if named:
            yield LabelledPlaces("", tuple(named))

    def _label(
        self,
        places: list[JsonPlace],
        labels: Mapping[str, str],
        lists: Mapping[str, list[str]],
        parent: str,
    ) -> Iterator[LabelledPlaces]:
        """Name the places of one object, by its label, a list of labels, or the key above it."""
        label = next((labels[key] for key in LABELS if _is_label(key, labels.get(key))), "")
        label = label or self.categories.get(labels.get("categoryid", ""), "")
        if not label and lists:
            rest = list(places)
            for key in {place.key for place in places}:
                group = [place for place in places if place.key == key]
                words = lists.get(f"{key}labels") or next(iter(lists.values()))
                if len(words) == len(group):
                    for word, place in zip(words, group, strict=True):
                        yield LabelledPlaces(word, (place,))
                        rest.remove(place)
            places = rest
            label = ", ".join(dict.fromkeys(next(iter(lists.values()))))
        if not label and is_name(parent):
            label = parent
        if places:
            yield LabelledPlaces(label, tuple(places))


def _is_label(key: str, value: str | None) -> bool:
    """Whether a value names something; the type of a place, as "point", does not."""
    if not value:
        return False
    return key != "type" or normalize_key(value) not in {*SHAPES, "click", "rectangle", "object"}


def _places_under(node: Node, name: str) -> list[JsonPlace]:
    """Return the places that stand under a key, if it names places: one, or a list of them."""
    if name in SIZED_KEYS:
        place = read_extent_box(node, name)
        return [place] if place else []
    return list(_read_places(node, SHAPES[name], name)) if name in SHAPES else []


def _is_coco(names: Collection[str]) -> bool:
    """Whether an object with these keys is one of COCO's annotations."""
    return "bbox" in names and any(name in names for name in ("categoryid", "iscrowd", "imageid"))


def _read_coco(node: Node) -> list[JsonPlace]:
    """Read the outline of one of COCO's annotations, or else its box."""
    values = {normalize_key(key): value for key, value in node.items}
    outlines = (
        _places_under(values["segmentation"], "segmentation") if ("segmentation" in values) else []
    )
    box = read_extent_box(values["bbox"], "bbox")
    places = outlines or ([box] if box else [])
    return [replace(place, has_named_numbers=True, is_in_pixels=True) for place in places]


def _read_places(node: Node, shape: Shape, name: str) -> Iterator[JsonPlace]:
    if node.kind == "object" and not names_itself(node):
        corners = read_corners(node, name) if shape in ("box", "any") else []
        yield from corners or (read_pair(node, name) if shape != "box" else [])
    elif node.kind == "text":
        if place := read_text(node, shape, name):
            yield place
    elif node.kind in ("list", "numbers"):
        place = read_flat(node, shape, name) or read_corner_lists(node, shape, name)
        if place:
            yield place
        elif not any(names_itself(item) for _, item in node.items):
            for _, item in node.items:
                if item.kind != "text":
                    yield from _read_places(item, shape, name)


def _read_lone_point(node: Node, name: str) -> list[JsonPlace]:
    """Read an object of x and y alone; with more in it, they may be those of a chart."""
    if name or {normalize_key(key) for key, _ in node.items} != {"x", "y"}:
        return []
    return read_pair(node, name)


def _read_named_lists(node: Node) -> list[JsonPlace]:
    """Read `[x1, y1, x2, y2]` or a list of these under the name of what is there."""
    if place := read_flat(node, "box", ""):
        return [place]
    if node.kind != "list":
        return []
    places = [read_flat(item, "box", "") for _, item in node.items]
    return [] if None in places else [place for place in places if place]


def _names_boxes(node: Node) -> bool:
    """Whether an object is nothing but names with boxes, whose corners are in order."""
    for key, value in node.items:
        places = _read_named_lists(value)
        if not is_name(key) or not places:
            return False
        if any(p.numbers[0] >= p.numbers[2] or p.numbers[1] >= p.numbers[3] for p in places):
            return False
    return True


def _words(node: Node) -> list[str]:
    """Return the texts of a list; [] if anything else is in it."""
    if node.kind != "list" or any(item.kind != "text" for _, item in node.items):
        return []
    return [item.text.strip() for _, item in node.items]


def _first_word(node: Node) -> str:
    """Return the one text of a list that otherwise holds lists of numbers; "": it is none."""
    words = [item.text.strip() for _, item in node.items if item.kind == "text"]
    others = [item for _, item in node.items if item.kind != "text"]
    are_numbers = all(item.kind == "numbers" for item in others)
    return words[0] if len(words) == 1 and others and are_numbers else ""


def _category_names(tops: Sequence[Node]) -> dict[str, str]:
    """Return COCO's list of categories: their names by their ids."""
    found: dict[str, str] = {}
    for top in tops:
        for key, value in top.items:
            if normalize_key(key) != "categories" or value.kind != "list":
                continue
            for _, item in value.items:
                fields = {normalize_key(k): v.text for k, v in item.items}
                found[fields.get("id", "")] = fields.get("name", "")
    return found


def _is_certain(name: str) -> bool:
    """Whether a key can name nothing but a place; "position" could be a rank."""
    return SHAPES.get(name, "any") != "any"


def _count_unread(node: Node) -> int:
    count = 0
    is_coco = _is_coco({normalize_key(key) for key, _ in node.items})
    for key, item in node.items:
        name = normalize_key(key)
        holds_numbers = item.kind == "numbers" or (
            item.kind == "list" and any(i.kind == "number" for _, i in item.items)
        )
        if name in SOLID_KEYS:
            count += 1
        elif not (_is_certain(name) or name in SIZED_KEYS) or not holds_numbers:
            count += _count_unread(item)
        elif not (is_coco or _places_under(item, name)):
            count += 1
    return count


def _names_places(key: str, node: Node) -> bool:
    name = normalize_key(key)
    if name in SHAPES and node.kind == "text":
        return read_text(node, SHAPES[name], name) is not None
    if name in SHAPES and node.kind != "number":
        return node.kind in ("numbers", "nothing") or not _is_words(node)
    names = {normalize_key(inner) for inner, _ in node.items}
    return not names.isdisjoint({"xmin", "xmax"}) or any(
        _names_places(inner or key, item) for inner, item in node.items
    )


def _is_words(node: Node) -> bool:
    """Whether a list or object is empty or holds words, not numbers."""
    return all(item.kind == "text" and read_number(item) is None for _, item in node.items)
