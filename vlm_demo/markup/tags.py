"""Markup made of tags, `<ref>a dog</ref><box>(1,2),(3,4)</box>`, as several families write it.

The names of the tags and the way that numbers stand between them differ, so each family declares
its own `Tags`; a family is never guessed from a tag.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vlm_demo.markup.base import (
    NUMBER_PATTERN,
    ParsedOutput,
    WrittenPlace,
    parse_numbers,
)
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.phrase_reader import PhraseReader
from vlm_demo.values import Frame

_TAG = re.compile(r"</?[A-Za-z][\w-]*/?>|<\|/?\w+\|>")
_PARTIAL_TAG = re.compile(r"<(?:/?(?:[A-Za-z][\w-]*/?)?|\|/?\w*\|?)")
_GROUNDING_TAG = re.compile(
    r"</?(?:ref|box|quad|phrase|delim|grounding|img|image|IMG_CONTEXT)/?>|<\|.*"
)
"""Tags that are left out of the text everywhere. Others, such as HTML's, are words outside a
phrase."""

_NUMBERS = re.compile(r"(?:\s*[0-9.,()\[\]+-]+)*+")
_LIST = re.compile(r"\[([^\[\]]*)\]")
_PAIR = rf"\(\s*{NUMBER_PATTERN}\s*,\s*{NUMBER_PATTERN}\s*\)"
_FOUR = rf"\[\s*{NUMBER_PATTERN}\s*(?:,\s*{NUMBER_PATTERN}\s*){{3}}\]"
_PARTIAL_LENGTH = 80
"""Characters at the end of an output in which a place without tags may be incomplete."""


def find_lists(body: str, start: int, end: int) -> Iterator[WrittenPlace]:
    """Find places written `[x1, y1, x2, y2]`, one or more, even inside other brackets."""
    for match in _LIST.finditer(body, start, end):
        if values := parse_numbers(match[1].split(",")):
            yield match.span(), values


def find_pairs(body: str, start: int, end: int) -> Iterator[WrittenPlace]:
    """Find the one place written `(x1,y1),(x2,y2)`; parentheses need not match."""
    content = _TAG.sub("", body[start:end])
    items = [item for item in re.split("[(),]", content) if item.strip()]
    if values := parse_numbers(items):
        yield (start, end), values


@dataclass(frozen=True, slots=True)
class UntaggedPlaces:
    """How a place looks without its tags, which are lost where special tokens are not decoded."""

    complete: re.Pattern[str]
    partial: re.Pattern[str]
    """An incomplete place at the end of the output."""


UNTAGGED_PAIRS = UntaggedPlaces(
    re.compile(rf"{_PAIR}\s*,\s*{_PAIR}"),
    re.compile(rf"(?:{_PAIR}\s*,\s*)?\(\s*[0-9]*\s*(?:,\s*[0-9]*\s*)?\Z|{_PAIR}\s*,\s*\Z"),
)
UNTAGGED_LISTS = UntaggedPlaces(
    re.compile(rf"(?:\[\s*)?{_FOUR}(?:\s*,\s*{_FOUR})*(?:\s*\]|\s*,\s*\Z)?"),
    re.compile(r",?\s*\[\s*(?:\[\s*)?[0-9\s.,+-]*\Z"),
)


@dataclass(frozen=True, slots=True)
class PlaceTag:
    """How one kind of place ends, and what it is."""

    closing_tag: str
    number_count: int
    """How many numbers it has: 4 for a box, 8 for a quadrilateral."""


def _keep_space(_: Sequence[float], __: Frame, space: CoordinateSpace) -> CoordinateSpace:
    return space


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """How a family tags phrases and places."""

    phrase_tags: tuple[str, str]
    """The opening and the closing tag of a phrase."""

    place_tags: Mapping[str, PlaceTag]
    """The kinds of places, by their opening tags."""

    find_places: Callable[[str, int, int], Iterator[WrittenPlace]]
    """Finds the places in a text between two indices, such as `find_lists`."""

    untagged: UntaggedPlaces | None = None
    """How places without tags look; None: numbers without tags are words."""

    words_end_phrase: bool = True
    """See `PhraseReader`."""

    space_for: Callable[[Sequence[float], Frame, CoordinateSpace], CoordinateSpace] = _keep_space
    """Returns the space that the numbers of one place are in, from the one that applies."""

    def read(self, raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
        """Read output; see `Markup.read`."""
        return _TagScanner(self, raw[: partial_tag_start(raw)], frame, space).read()


def partial_tag_start(raw: str) -> int:
    """Return where an incomplete tag at the end begins, or the length of the output."""
    at = raw.rfind("<")
    return at if at >= 0 and _PARTIAL_TAG.fullmatch(raw, at) else len(raw)


class _TagScanner:
    """Reads an output in one pass."""

    def __init__(self, tags: Tags, body: str, frame: Frame, space: CoordinateSpace) -> None:
        self._tags, self._body, self._frame, self._space = tags, body, frame, space
        self._reader = PhraseReader(words_end_phrase=tags.words_end_phrase)
        names = (
            *tags.phrase_tags,
            *tags.place_tags,
            *(place.closing_tag for place in tags.place_tags.values()),
        )
        self._own_tag = re.compile("|".join(map(re.escape, names)))

    def read(self) -> ParsedOutput:
        at = 0
        while tag := _TAG.search(self._body, at):
            self._add_words(at, tag.start())
            at = self._add_tag(tag)
        self._add_words(at, len(self._body))
        return self._reader.build()

    def _add_tag(self, tag: re.Match[str]) -> int:
        """Read a tag, and the place if it opens one; return the index of what follows."""
        name, tags = tag[0], self._tags
        if name == tags.phrase_tags[0]:
            self._reader.open_phrase()
        elif name == tags.phrase_tags[1]:
            self._reader.close_phrase()
        elif name in tags.place_tags:
            return self._add_tagged_place(tag.end(), tags.place_tags[name])
        elif not (
            self._reader.in_phrase or _GROUNDING_TAG.fullmatch(name) or self._own_tag.match(name)
        ):
            self._reader.add_words(name)
        return tag.end()

    def _add_tagged_place(self, start: int, kind: PlaceTag) -> int:
        """Read what follows the opening tag of a place; return the index of what follows.

        A place that is not closed ends with its numbers if they are complete. If they are not,
        everything up to the next tag of the family is left out.
        """
        self._reader.builder.has_markup = True
        following = self._own_tag.search(self._body, start)
        end = following.start() if following else len(self._body)
        if following and following[0] == kind.closing_tag:
            self._add_places(start, end, kind.number_count)
            return following.end()
        run = _NUMBERS.match(self._body, start, end)
        assert run  # it may be empty
        complete = max(self._body.rfind(closer, start, run.end()) for closer in ")]") + 1
        found = complete > 0 and self._add_places(start, complete, kind.number_count)
        return run.end() if found else end

    def _add_places(self, start: int, end: int, count: int) -> bool:
        """Read the places of `count` numbers between two indices; return whether there are any."""
        found = False
        for span, values in self._tags.find_places(self._body, start, end):
            if len(values) != count:
                continue
            space = self._tags.space_for(values, self._frame, self._space)
            read = space.to_box if count == 4 else space.to_polygon
            self._reader.add_place((span, values), read(values, self._frame))
            found = True
        return found

    def _add_words(self, start: int, end: int) -> None:
        """Read words, and the places without tags among them."""
        if bare := self._tags.untagged:
            for match in bare.complete.finditer(self._body, start, end):
                self._reader.add_words(self._body[start : match.start()])
                if self._add_places(*match.span(), 4):
                    self._reader.builder.has_markup = True
                else:
                    self._reader.add_words(match[0])
                start = match.end()
            if end == len(self._body):
                half = bare.partial.search(self._body, max(start, end - _PARTIAL_LENGTH))
                if half:
                    self._reader.builder.has_markup |= "," in half[0]
                    end = half.start()
        self._reader.add_words(self._body[start:end])
