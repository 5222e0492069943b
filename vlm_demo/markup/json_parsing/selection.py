"""Decides which JSON in an answer counts, and which parts of the answer are no text for people.

Where an answer holds much JSON, what is read first follows lmms-eval's order (see `keys`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from vlm_demo.markup.json_parsing.scan import Structure, find_structures
from vlm_demo.markup.json_parsing.shapes import (
    LabelledPlaces,
    count_unread_places,
    find_places,
    names_places,
    says_no_places,
)
from vlm_demo.markup.parsed_output import Span

MAX_UNDECIDED = 300
"""Characters of unfinished JSON that are held back until it is clear whether it holds places."""


@dataclass(frozen=True, slots=True)
class JsonDialect:
    """What a family's JSON may be, besides objects with named places."""

    in_prose: Literal["none", "nested", "any"] = "none"
    """Which lists of numbers without a key are places among words.

    They always are where they are the whole answer or stand in a fence. "nested": so is `[[..]]`
    among words. "any": so are `[..]` and `(..)`, if there is nothing better.
    """

    last_fence: bool = False
    """Whether the last fence with places replaces all others."""

    y_first_keys: frozenset[str] = frozenset()
    """Keys, as `normalize_key` writes them, whose numbers are y before x in every space."""


PLAIN_JSON = JsonDialect()
"""The dialect of most families: objects with named places."""


@dataclass(slots=True)
class _JsonPassage:
    """JSON in an answer, with the places in it that count."""

    structure: Structure
    groups: tuple[LabelledPlaces, ...]
    fence: int | None
    """The number of the code fence that it stands in; None: it stands in none."""


@dataclass(slots=True)
class HiddenPassage:
    """A passage of an answer that is left out of the text, and the places in it."""

    start: int
    end: int
    groups: list[LabelledPlaces]
    names_places: bool
    """Whether it is about places, even if none can be read."""

    is_broken: bool
    """Whether its JSON is not complete."""

    unread_count: int = 0
    """How many places are written in it that cannot be read."""

    says_nothing: bool = False
    """Whether it says that there is nothing."""

    is_text: bool = False
    """Whether it is about something else, so that it stays in the text as it is."""


_FENCE = re.compile("`{3,}|~{3,}")
_FENCE_BEFORE = re.compile(r"(?:(?:`{3,}|~{3,})\w*|`|(?:\A|(?<=\n))json)\s*\Z")
_FENCE_AFTER = re.compile(r"\s*(?:`{3,}|~{3,})|`")
_LONGEST_FENCE = 40
"""Characters in which a fence before JSON is looked for."""

_LEFT_OVER = re.compile(r"[^\n\[{<`]*[\"'\]}]")
_BETWEEN = re.compile(r"[\s,;\]}]*")
_CLOSING = re.compile(r"(?:\s*[\]})])+")
_STRAY_CLOSING = re.compile(r"(?:\s*[\]}])+(?=\s*(?:```|\Z))")


def find_hidden_passages(
    text: str, dialect: JsonDialect, *, with_other_json: bool = False
) -> Iterator[HiddenPassage]:
    """Yield what is no text for people; JSON with only commas between makes one passage.

    `with_other_json`: so are whole objects about something else, which are text.
    """
    everything = list(_find_json(text, dialect))
    says_nothing = len(everything) == 1 and _says_only_no_places(everything[0], text)
    passages: list[HiddenPassage] = []
    for json in _select_places(everything, text, dialect):
        named = names_places(json.structure)
        if not (json.groups or named or says_nothing or _is_undecided(json.structure)):
            if with_other_json and _is_whole_object(json.structure):
                passages.append(_text_passage(json.structure, text))
            continue
        end = _structure_end(json.structure, text)
        start, is_broken = json.structure.start, json.structure.root is None
        unread = count_unread_places(json.structure)
        follows = passages and _BETWEEN.fullmatch(text, passages[-1].end, start)
        if follows and not passages[-1].is_text:
            passages[-1].end = end
            passages[-1].groups += json.groups
            passages[-1].names_places |= named
            passages[-1].is_broken |= is_broken
            passages[-1].unread_count += unread
        else:
            passages.append(
                HiddenPassage(start, end, [*json.groups], named, is_broken, unread, says_nothing)
            )
    for passage in passages:
        if passage.is_text:
            yield passage
            continue
        closers = _CLOSING if passage.is_broken else _STRAY_CLOSING
        if closing := closers.match(text, passage.end):
            passage.end = closing.end()
        passage.start, passage.end = _include_fence(passage.start, passage.end, text)
        yield passage


def _is_whole_object(structure: Structure) -> bool:
    """Whether JSON is an object that is complete and not damaged, or a list of such objects."""
    root = structure.root
    if root is None or structure.is_damaged or not root.items:
        return False
    return root.kind == "object" or all(item.kind == "object" for _, item in root.items)


def _text_passage(structure: Structure, text: str) -> HiddenPassage:
    start, end = _include_fence(structure.start, structure.end, text)
    return HiddenPassage(start, end, [], names_places=False, is_broken=False, is_text=True)


def _find_json(text: str, dialect: JsonDialect) -> Iterator[_JsonPassage]:
    fences = [match.start() for match in _FENCE.finditer(text)]
    passed = 0
    for structure in find_structures(text, parentheses=dialect.in_prose == "any"):
        while passed < len(fences) and fences[passed] < structure.start:
            passed += 1
        root = structure.root
        is_empty = root is not None and root.kind == "list" and not root.items
        groups = () if is_empty else tuple(find_places(structure))
        yield _JsonPassage(structure, groups, passed if passed % 2 else None)


def _select_places(
    everything: Sequence[_JsonPassage], text: str, dialect: JsonDialect
) -> Sequence[_JsonPassage]:
    """Keep only the best places: named or fenced ones, or otherwise bare numbers among words."""
    is_alone = _is_alone(everything, text)

    def is_good(group: LabelledPlaces, json: _JsonPassage) -> bool:
        nested = group.is_nested and dialect.in_prose != "none"
        return not group.is_unnamed or json.fence is not None or is_alone or nested

    def keep_good(json: _JsonPassage) -> _JsonPassage:
        good = tuple(group for group in json.groups if is_good(group, json))
        return json if len(good) == len(json.groups) else replace(json, groups=good)

    good = list(map(keep_good, everything))
    fences = [json.fence for json in good if json.groups and json.fence is not None]
    if dialect.last_fence and fences:
        return [json if json.fence == fences[-1] else replace(json, groups=()) for json in good]
    if dialect.in_prose == "any" and not any(json.groups for json in good):
        return everything
    return good


def _is_alone(everything: Sequence[_JsonPassage], text: str) -> bool:
    """Whether there are no words around the JSON."""
    at = 0
    for json in everything:
        if not _BETWEEN.fullmatch(text, at, json.structure.start):
            return False
        at = json.structure.end
    return at > 0 and not text[at:].strip(" \n.,;")


def _is_undecided(structure: Structure) -> bool:
    """Whether JSON is still too short to tell whether it holds places."""
    is_short = structure.end - structure.start <= MAX_UNDECIDED
    return structure.is_cut_off and is_short and not structure.is_damaged


def _says_only_no_places(json: _JsonPassage, text: str) -> bool:
    """Whether JSON is the whole answer and says that there are no places."""
    root = json.structure.root
    if root is None or not says_no_places(root):
        return False
    start, end = _include_fence(root.start, root.end, text)
    return not text[:start].strip() and not text[end:].strip("` \n")


def _structure_end(structure: Structure, text: str) -> int:
    """Return where JSON ends; broken JSON ends with what is left of it on its line."""
    if structure.root is None and not structure.is_cut_off:
        left_over = _LEFT_OVER.match(text, structure.end)
        return left_over.end() if left_over else structure.end
    return structure.end


def _include_fence(start: int, end: int, text: str) -> Span:
    before = _FENCE_BEFORE.search(text[max(0, start - _LONGEST_FENCE) : start])
    after = _FENCE_AFTER.match(text, end)
    return start - len(before[0]) if before else start, after.end() if after else end
