"""Markup made of tags, `<ref>a dog</ref><box>(1,2),(3,4)</box>`, as several families write it.

The names of the tags and the way that numbers stand between them differ, so each family declares
its own `Tags`; a family is never guessed from a tag.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.parsed_output import (
    NUMBER_PATTERN,
    ParsedOutput,
    WrittenPlace,
    parse_numbers,
)
from vlm_demo.markup.phrase_reader import PhraseReader
from vlm_demo.values import Frame, Region

_TAG = re.compile(r"</?[A-Za-z][\w-]*/?>|<\|/?\w+\|>")
_PARTIAL_TAG = re.compile(r"<(?:/?(?:[A-Za-z][\w-]*/?)?|\|/?\w*\|?)")
_GROUNDING_TAG = re.compile(
    r"</?(?:ref|box|quad|phrase|delim|grounding|img|image|IMG_CONTEXT)/?>|<\|.*"
)
"""Tags that are left out of the text everywhere. Others, such as HTML's, are words outside a
phrase."""

_NUMBERS = re.compile(r"(?:\s*[0-9.,()\[\]+-]+)*+")
_LIST = re.compile(r"\[([^\[\]]*)\]")
_GROUP = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_SEPARATOR = re.compile(r"[\s,;\"']+")
_PAIR = rf"\(\s*{NUMBER_PATTERN}\s*,\s*{NUMBER_PATTERN}\s*\)"
_NUMBERS_4 = rf"\s*{NUMBER_PATTERN}\s*(?:,\s*{NUMBER_PATTERN}\s*){{3}}"
_FOUR = rf"\[{_NUMBERS_4}\]"
_PARTIAL_LENGTH = 80
"""Characters at the end of an output in which a place without tags may be incomplete."""


def find_lists(body: str, start: int, end: int) -> Iterator[WrittenPlace]:
    """Find places written `[x1, y1, x2, y2]`, one or more, even inside other brackets.

    Numbers in another notation are read too; see `find_numbers`.
    """
    found = False
    for match in _LIST.finditer(body, start, end):
        if values := parse_numbers(match[1].split(",")):
            found = True
            yield match.span(), values
    if not found:
        yield from find_numbers(body, start, end)


def find_pairs(body: str, start: int, end: int) -> Iterator[WrittenPlace]:
    """Find the one place written `(x1,y1),(x2,y2)`; parentheses need not match.

    Numbers in another notation are read too; see `find_numbers`.
    """
    content = _TAG.sub("", body[start:end])
    items = [item for item in re.split("[(),]", content) if item.strip()]
    if values := parse_numbers(items):
        yield (start, end), values
    else:
        yield from find_numbers(body, start, end)


def find_numbers(body: str, start: int, end: int) -> Iterator[WrittenPlace]:
    """Find places in brackets of four, `[(x1, y1, x2, y2)]`, in pairs, or without brackets.

    Numbers may stand in quotes, and blanks may stand in place of commas (house rule H13).
    """
    content = _TAG.sub(lambda tag: " " * len(tag[0]), body[start:end])
    groups = [(group.span(), _split_numbers(group[1])) for group in _GROUP.finditer(content)]
    fours = [(span, values) for span, values in groups if len(values) == 4]
    if fours:
        yield from (((start + at, start + to), values) for (at, to), values in fours)
    elif all(len(values) == 2 for _, values in groups):
        outside = _GROUP.sub(" ", content) if groups else ""
        values = _split_numbers(re.sub(r"[()\[\]]", " ", content))
        if values and not outside.strip(" \n\t,;[]()"):
            yield (start, end), values


def _split_numbers(text: str) -> tuple[float, ...]:
    return parse_numbers([item for item in _SEPARATOR.split(text) if item]) or ()


@dataclass(frozen=True, slots=True)
class UntaggedPlaces:
    """How a place looks without its tags, which are lost where special tokens are not decoded."""

    complete: re.Pattern[str]
    partial: re.Pattern[str]
    """An incomplete place at the end of the output."""

    not_after: re.Pattern[str] | None = None
    """Words at whose end numbers are no place."""


UNTAGGED_PAIRS = UntaggedPlaces(
    re.compile(rf"\[?{_PAIR}(?:\s*,\s*{_PAIR})+\]?"),
    re.compile(rf"(?:{_PAIR}\s*,\s*)?\(\s*[0-9]*\s*(?:,\s*[0-9]*\s*)?\Z|{_PAIR}\s*,\s*\Z"),
)
UNTAGGED_LISTS = UntaggedPlaces(
    re.compile(rf"(?:\[\s*)?{_FOUR}(?:\s*,\s*{_FOUR})*(?:\s*\]|\s*,\s*\Z)?"),
    re.compile(r",?\s*\[\s*(?:\[\s*)?[0-9\s.,+-]*\Z"),
)
UNTAGGED_DOUBLE_LISTS = UntaggedPlaces(
    re.compile(rf"\[\s*{_FOUR}(?:\s*,\s*{_FOUR})*(?:\s*\]|\s*,\s*\Z)"),
    re.compile(r",?\s*\[\s*\[[0-9\s.,+-]*\Z"),
)
"""Lists in a list alone, `[[x1, y1, x2, y2]]`."""

UNTAGGED_ADJACENT_PAIRS = UntaggedPlaces(
    re.compile(rf"(?:(?<!\s)|(?<=\n))(?:{UNTAGGED_PAIRS.complete.pattern})"),
    UNTAGGED_PAIRS.partial,
)
"""Pairs right behind the words that name them, as they stand where tags are not decoded."""

UNTAGGED = UntaggedPlaces(
    re.compile(
        f"{UNTAGGED_PAIRS.complete.pattern}|{UNTAGGED_LISTS.complete.pattern}"
        rf"|(?<!\w)\({_NUMBERS_4}\)"
    ),
    re.compile(f"{UNTAGGED_PAIRS.partial.pattern}|{UNTAGGED_LISTS.partial.pattern}"),
    re.compile(
        r"\b(?:values?|numbers?|scores?|list|array|sequence|digits?|years?|prices?|sums?|ratings?"
        r"|data|ages?|counts?|vector|matrix|probabilit(?:y|ies))\b[^.\n]{0,20}\Z",
        re.IGNORECASE,
    ),
)
"""Pairs or lists, for models that are trained on several formats."""


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

    other_phrase_tags: tuple[tuple[str, str], ...] = ()
    """More tags of phrases, where a family writes several."""

    place_tags: Mapping[str, PlaceTag]
    """The kinds of places, by their opening tags."""

    find_places: Callable[[str, int, int], Iterator[WrittenPlace]]
    """Finds the places in a text between two indices, such as `find_lists`."""

    untagged: UntaggedPlaces | None = None
    """How places without tags look; None: numbers without tags are words."""

    words_end_phrase: bool = True
    """See `PhraseReader`."""

    reads_points: bool = False
    """Whether two numbers in the tags of a box are a point."""

    space_for: Callable[[Sequence[float], Frame, CoordinateSpace], CoordinateSpace] = _keep_space
    """Returns the space that the numbers of one place are in, from the one that applies."""

    def read(self, raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
        """Read output; see `Markup.read`."""
        return _TagScanner(self, raw[: partial_tag_start(raw)], frame, space).read()

    def make_markup(
        self,
        write: Callable[[Sequence[Region], Frame, CoordinateSpace], str],
        space: CoordinateSpace,
    ) -> Markup:
        """Return the markup of answers in which each phrase has tags and its places follow it."""
        opening, closing = self.phrase_tags
        return Markup(
            self.read,
            write,
            space,
            phrase_pattern=f"{opening}{{phrase}}{closing}{{places}}",
            repeats_target=True,
        )


def partial_tag_start(raw: str) -> int:
    """Return where an incomplete tag at the end begins, or the length of the output."""
    at = raw.rfind("<")
    return at if at >= 0 and _PARTIAL_TAG.fullmatch(raw, at) else len(raw)


class _TagScanner:
    """Reads an output in one pass."""

    def __init__(self, tags: Tags, body: str, frame: Frame, space: CoordinateSpace) -> None:
        self._tags, self._body, self._frame, self._space = tags, body, frame, space
        self._reader = PhraseReader(words_end_phrase=tags.words_end_phrase)
        pairs = (tags.phrase_tags, *tags.other_phrase_tags)
        self._opening = {opening for opening, _ in pairs}
        self._closing = {closing for _, closing in pairs}
        names = (
            *self._opening,
            *self._closing,
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
        if name in self._opening:
            self._reader.open_phrase()
        elif name in self._closing:
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
            found = self._add_places(start, end, kind.number_count)
            is_empty = not any(map(str.isdigit, self._body[start:end]))
            self._reader.builder.is_damaged |= not (found or is_empty)
            return following.end()
        run = _NUMBERS.match(self._body, start, end)
        assert run  # it may be empty
        complete = max(self._body.rfind(closer, start, run.end()) for closer in ")]") + 1
        found = complete > 0 and self._add_places(start, complete, kind.number_count)
        self._reader.builder.is_damaged |= not found and end < len(self._body)
        return run.end() if found else end

    def _add_places(self, start: int, end: int, count: int) -> bool:
        """Read the places of `count` numbers between two indices; return whether there are any."""
        found = False
        for span, values in self._tags.find_places(self._body, start, end):
            is_point = self._tags.reads_points and len(values) == 2
            if len(values) != count and not is_point:
                self._reader.builder.is_damaged |= found
                continue
            space = self._tags.space_for(values, self._frame, self._space)
            region: Region
            if is_point:
                region = space.to_point(values, self._frame)
            elif count == 4:
                region = space.to_box(values, self._frame)
            else:
                region = space.to_polygon(values, self._frame)
            self._reader.add_place((span, values), region)
            found = True
        return found

    def _is_box_list(self, match: re.Match[str]) -> bool:
        """Whether numbers without tags are one or more boxes."""
        places = list(self._tags.find_places(match.string, *match.span()))
        return bool(places) and all(len(values) == 4 for _, values in places)

    def _add_words(self, start: int, end: int) -> None:
        """Read words, and the places without tags among them."""
        if bare := self._tags.untagged:
            for match in bare.complete.finditer(self._body, start, end):
                before = self._body[start : match.start()]
                is_value = bare.not_after and bare.not_after.search(before[-60:])
                if not is_value and self._is_box_list(match):
                    self._reader.add_words_before_place(before)
                    self._add_places(*match.span(), 4)
                    self._reader.builder.has_markup = True
                else:
                    self._reader.add_words(before + match[0])
                start = match.end()
            if end == len(self._body):
                half = bare.partial.search(self._body, max(start, end - _PARTIAL_LENGTH))
                if half:
                    self._reader.builder.has_markup |= "," in half[0]
                    end = half.start()
        self._reader.add_words(self._body[start:end])
