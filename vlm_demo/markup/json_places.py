"""Places written as JSON, in code fences or not, with prose around; shared by several families.

Besides objects with named places, lists of numbers that nothing names are read where a family
allows them. What is read first where there is much: lmms-eval's order (see json_shapes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from vlm_demo.markup.base import Reading, ReadingBuilder, Span
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.json_scan import Structure, structures
from vlm_demo.markup.json_shapes import Found, Place, found_in, names_places, says_none
from vlm_demo.markup.point_tags import add_words_and_points, without_half_tag
from vlm_demo.values import Frame, Point, Region, bounding_box

MAX_UNDECIDED = 300
"""Characters of unfinished JSON that are held back until it is clear whether it holds places."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a family's JSON may be beyond objects with named places.

    Lists of numbers that nothing names are read where they are the whole answer or stand in a
    fence; with `in_prose` "nested", `[[..]]` also among words; with "any", `[..]` and `(..)` too,
    if there is nothing better.
    """

    in_prose: Literal["none", "nested", "any"] = "none"
    last_fence: bool = False  # the last fence with places replaces all others
    y_first_keys: frozenset[str] = frozenset()  # their numbers are y before x in every space


PLAIN = Dialect()


def reader(dialect: Dialect = PLAIN) -> Callable[[str, Frame, CoordinateSpace], Reading]:
    """Return a reader of answers in this dialect."""

    def read(raw: str, frame: Frame, space: CoordinateSpace) -> Reading:
        builder = ReadingBuilder()
        read_into(builder, raw, frame, space, dialect)
        return builder.reading()

    return read


def read_into(
    builder: ReadingBuilder,
    text: str,
    frame: Frame,
    space: CoordinateSpace,
    dialect: Dialect = PLAIN,
    *,
    offset: int = 0,
) -> None:
    """Add the words and the places of a text to a reading; it may end anywhere.

    `offset` is where the text begins in the output.
    """
    at = 0
    for part in _parts(text, dialect):
        add_words_and_points(builder, text[at : part.start], frame, space, offset + at)
        builder.has_markup |= part.names_places
        for found in part.found:
            add_found(builder, found, frame, space, dialect, offset=offset)
        at = part.end
    rest = without_half_tag(text[at:])
    rest = _HALF_FENCE.sub("", rest)
    if text.count("```") % 2:
        rest = _OPEN_FENCE.sub("", rest)
    add_words_and_points(builder, rest, frame, space, offset + at)


def add_found(
    builder: ReadingBuilder,
    found: Found,
    frame: Frame,
    space: CoordinateSpace,
    dialect: Dialect = PLAIN,
    *,
    offset: int = 0,
) -> None:
    """Add the places of one object to a reading, under its label."""
    regions = []
    for place in found.places:
        span = (place.span[0] + offset, place.span[1] + offset)
        region = _region(place, frame, space, dialect)
        regions.append(builder.add_parsed_place(span, place.numbers, region))
    builder.add_mention(regions, phrase=found.label)


def writer(key: str) -> Callable[[Sequence[Region], Frame, CoordinateSpace], str]:
    """Return a writer of `{key: [x1, y1, x2, y2]}`, and of several places as a list of these."""

    def write(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
        objects = [
            f'{{"{key}": [{", ".join(_rounded(region, frame, space))}]}}' for region in regions
        ]
        return objects[0] if len(objects) == 1 else f"[{', '.join(objects)}]"

    return write


def point_writer(key: str) -> Callable[[Point, Frame, CoordinateSpace], str]:
    """Return a writer of `{key: [x, y]}`."""

    def write(point: Point, frame: Frame, space: CoordinateSpace) -> str:
        x, y = map(round, space.numbers(point, frame))
        return f'{{"{key}": [{x}, {y}]}}'

    return write


def write_lists(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write `[[x1,y1,x2,y2]]`."""
    boxes = (",".join(_rounded(region, frame, space)) for region in regions)
    return f"[[{'],['.join(boxes)}]]"


def _rounded(region: Region, frame: Frame, space: CoordinateSpace) -> list[str]:
    return [str(round(number)) for number in space.numbers(bounding_box(region), frame)]


def _region(place: Place, frame: Frame, space: CoordinateSpace, dialect: Dialect) -> Region:
    numbers = place.numbers
    if (space.y_first or place.key in dialect.y_first_keys) and not place.is_named:
        numbers = tuple(v for at in range(0, len(numbers), 2) for v in numbers[at : at + 2][::-1])
    if space.y_first:
        space = replace(space, y_first=False)
    match place.shape:
        case "box":
            return space.box(numbers, frame)
        case "point":
            return space.point(numbers, frame)
        case "polygon":
            return space.polygon(numbers, frame)


# Which JSON counts, and which is no text for people


@dataclass(slots=True)
class _Json:
    """JSON in an answer with the places that count, and the fence that it stands in."""

    structure: Structure
    found: tuple[Found, ...]
    fence: int | None


@dataclass(slots=True)
class _Part:
    """A part of an answer that is left out of the text, and the places in it."""

    start: int
    end: int
    found: list[Found]
    names_places: bool
    is_broken: bool


_FENCE = re.compile("```")
_FENCE_BEFORE = re.compile(r"(?:```\w*|`)\s*\Z")
_FENCE_AFTER = re.compile(r"\s*```|`")
_OPEN_FENCE = re.compile(r"```\w*\s*\Z")
_HALF_FENCE = re.compile(r"(?:\A|(?<=\n))``?\Z")
_LONGEST_FENCE = 40
_LEFT_OVER = re.compile(r"[^\n\[{<`]*[\"'\]}]")
_BETWEEN = re.compile(r"[\s,;]*")
_CLOSING = re.compile(r"(?:\s*[\]})])+")


def _parts(text: str, dialect: Dialect) -> Iterator[_Part]:
    """Find what is no text for people; JSON with only commas between makes one part."""
    everything = list(_all_json(text, dialect))
    says_nothing = len(everything) == 1 and _says_nothing_but_none(everything[0], text)
    parts: list[_Part] = []
    for json in _that_counts(everything, text, dialect):
        named = names_places(json.structure)
        if not (json.found or named or says_nothing or _is_held_back(json.structure)):
            continue
        end = _end(json.structure, text)
        if parts and _BETWEEN.fullmatch(text, parts[-1].end, json.structure.start):
            parts[-1].end = end
            parts[-1].found += json.found
            parts[-1].names_places |= named
            parts[-1].is_broken |= json.structure.root is None
        else:
            is_broken = json.structure.root is None
            parts.append(_Part(json.structure.start, end, [*json.found], named, is_broken))
    for part in parts:
        if part.is_broken and (closing := _CLOSING.match(text, part.end)):
            part.end = closing.end()
        part.start, part.end = _with_fence(part.start, part.end, text)
        yield part


def _all_json(text: str, dialect: Dialect) -> Iterator[_Json]:
    fences = [match.start() for match in _FENCE.finditer(text)]
    passed = 0
    for structure in structures(text, parentheses=dialect.in_prose == "any"):
        while passed < len(fences) and fences[passed] < structure.start:
            passed += 1
        yield _Json(structure, tuple(found_in(structure)), passed if passed % 2 else None)


def _that_counts(everything: Sequence[_Json], text: str, dialect: Dialect) -> Sequence[_Json]:
    """Leave only the best places: named or fenced ones, or else bare numbers among words."""
    is_alone = _is_alone(everything, text)

    def is_good(found: Found, json: _Json) -> bool:
        nested = found.is_nested and dialect.in_prose != "none"
        return not found.is_bare or json.fence is not None or is_alone or nested

    def only_good(json: _Json) -> _Json:
        good = tuple(found for found in json.found if is_good(found, json))
        return json if len(good) == len(json.found) else replace(json, found=good)

    good = list(map(only_good, everything))
    fences = [json.fence for json in good if json.found and json.fence is not None]
    if dialect.last_fence and fences:
        return [json if json.fence == fences[-1] else replace(json, found=()) for json in good]
    if dialect.in_prose == "any" and not any(json.found for json in good):
        return everything
    return good


def _is_alone(everything: Sequence[_Json], text: str) -> bool:
    """Whether there are no words around the JSON."""
    at = 0
    for json in everything:
        if not _BETWEEN.fullmatch(text, at, json.structure.start):
            return False
        at = json.structure.end
    return at > 0 and not text[at:].strip(" \n.,;")


def _is_held_back(structure: Structure) -> bool:
    """Whether JSON is still too short to tell what it will be."""
    return structure.is_cut_off and structure.end - structure.start <= MAX_UNDECIDED


def _says_nothing_but_none(json: _Json, text: str) -> bool:
    """Whether JSON is the whole answer and says that there are no places."""
    root = json.structure.root
    if root is None or not says_none(root):
        return False
    start, end = _with_fence(root.start, root.end, text)
    return not text[:start].strip() and not text[end:].strip("` \n")


def _end(structure: Structure, text: str) -> int:
    """Where JSON ends; broken JSON takes along what is left of it on its line."""
    if structure.root is None and not structure.is_cut_off:
        left_over = _LEFT_OVER.match(text, structure.end)
        return left_over.end() if left_over else structure.end
    return structure.end


def _with_fence(start: int, end: int, text: str) -> Span:
    before = _FENCE_BEFORE.search(text[max(0, start - _LONGEST_FENCE) : start])
    after = _FENCE_AFTER.match(text, end)
    return start - len(before[0]) if before else start, after.end() if after else end
