"""Markup made of tags, `<ref>a dog</ref><box>(1,2),(3,4)</box>`, as several families write it.

The names of the tags and how numbers stand between them differ, so each family brings its own
`Tags`; never is a family guessed from a tag. What they share is which words a place belongs to.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from vlm_demo.markup.base import NOWHERE, NUMBER, Reading, ReadingBuilder, Span, numbers
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.values import Frame, Region

Written = tuple[Span, tuple[float, ...]]
"""Where the numbers of a place stand in the output, and the numbers."""

_TAG = re.compile(r"</?[A-Za-z][\w-]*/?>|<\|/?\w+\|>")
_HALF_TAG = re.compile(r"<(?:/?(?:[A-Za-z][\w-]*/?)?|\|/?\w*\|?)")
_GROUNDING_TAG = re.compile(
    r"</?(?:ref|box|quad|phrase|delim|grounding|img|image|IMG_CONTEXT)/?>|<\|.*"
)
"""Left out of the text wherever it stands. Other tags, as of HTML, are words outside a phrase."""

_NUMBERS = re.compile(r"(?:\s*[0-9.,()\[\]+-]+)*+")
_LIST = re.compile(r"\[([^\[\]]*)\]")
_PAIR = rf"\(\s*{NUMBER}\s*,\s*{NUMBER}\s*\)"
_FOUR = rf"\[\s*{NUMBER}\s*(?:,\s*{NUMBER}\s*){{3}}\]"
_HALF_LENGTH = 80
"""Characters at the end of an output among which a place without tags may be half written."""


@dataclass(slots=True)
class PhraseReader:
    """Ties places to phrases while words, tags and places come one after the other.

    A place belongs to the phrase before it, and so do the places that follow at once; words part
    them. Where `parted_by_words` is off, they do so only behind the first place.
    """

    parted_by_words: bool = True
    built: ReadingBuilder = field(default_factory=ReadingBuilder)
    in_phrase: bool = False
    _phrase: Span = NOWHERE
    _places: list[Region] = field(default_factory=list)  # of the phrase

    @property
    def awaits_place(self) -> bool:
        """Whether a phrase or a place has just ended."""
        return not self.in_phrase and (any(self._phrase) or bool(self._places))

    def add_words(self, words: str) -> None:
        span = self.built.add_text(words)
        if span == NOWHERE:
            return  # blanks part nothing
        if self.in_phrase:
            self._phrase = (self._phrase[0], span[1]) if any(self._phrase) else span
        elif self.parted_by_words or self._places:
            self._end()

    def open_phrase(self) -> None:
        self._end()
        self.in_phrase = True

    def close_phrase(self) -> None:
        self.in_phrase = False

    def add_place(self, written: Written, region: Region) -> None:
        self.in_phrase = False
        self._places.append(self.built.add_parsed_place(*written, region))

    def reading(self) -> Reading:
        self._end()
        return self.built.reading()

    def _end(self) -> None:
        self.built.add_mention(self._places, span=self._phrase)
        self._places, self._phrase = [], NOWHERE


def lists(body: str, start: int, end: int) -> Iterator[Written]:
    """Find places written `[x1, y1, x2, y2]`, one or more, also inside other brackets."""
    for match in _LIST.finditer(body, start, end):
        if values := numbers(match[1].split(",")):
            yield match.span(), values


def pairs(body: str, start: int, end: int) -> Iterator[Written]:
    """Find the one place written `(x1,y1),(x2,y2)`; parentheses are not counted."""
    content = _TAG.sub("", body[start:end])
    items = [item for item in re.split("[(),]", content) if item.strip()]
    if values := numbers(items):
        yield (start, end), values


@dataclass(frozen=True, slots=True)
class Bare:
    """How a place looks when its tags are lost, as where special tokens are not decoded."""

    complete: re.Pattern[str]
    half: re.Pattern[str]  # of one that is being written, at the end of the output


BARE_PAIRS = Bare(
    re.compile(rf"{_PAIR}\s*,\s*{_PAIR}"),
    re.compile(rf"(?:{_PAIR}\s*,\s*)?\(\s*[0-9]*\s*(?:,\s*[0-9]*\s*)?\Z|{_PAIR}\s*,\s*\Z"),
)
BARE_LISTS = Bare(
    re.compile(rf"(?:\[\s*)?{_FOUR}(?:\s*,\s*{_FOUR})*(?:\s*\]|\s*,\s*\Z)?"),
    re.compile(r",?\s*\[\s*(?:\[\s*)?[0-9\s.,+-]*\Z"),
)


@dataclass(frozen=True, slots=True)
class PlaceTag:
    """What encloses one kind of place."""

    closing: str
    count: int  # of its numbers: 4 are a box, 8 a quadrilateral


def _given(_: Sequence[float], __: Frame, space: CoordinateSpace) -> CoordinateSpace:
    return space


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """How a family tags phrases and places."""

    phrase: tuple[str, str]  # opening, closing
    places: Mapping[str, PlaceTag]  # by the opening tag
    find: Callable[[str, int, int], Iterator[Written]]
    bare: Bare | None = None  # None: numbers without tags are words
    parted_by_words: bool = True
    space_for: Callable[[Sequence[float], Frame, CoordinateSpace], CoordinateSpace] = _given

    def read(self, raw: str, frame: Frame, space: CoordinateSpace) -> Reading:
        """Read output; see `Markup.read`."""
        return _Scan(self, raw[: half_tag_at(raw)], frame, space).reading()


def half_tag_at(raw: str) -> int:
    """Return where a tag begins that is only half written at the end, or the end."""
    at = raw.rfind("<")
    return at if at >= 0 and _HALF_TAG.fullmatch(raw, at) else len(raw)


class _Scan:
    """One pass over an output."""

    def __init__(self, tags: Tags, body: str, frame: Frame, space: CoordinateSpace) -> None:
        self._tags, self._body, self._frame, self._space = tags, body, frame, space
        self._reader = PhraseReader(parted_by_words=tags.parted_by_words)
        names = (*tags.phrase, *tags.places, *(place.closing for place in tags.places.values()))
        self._own_tag = re.compile("|".join(map(re.escape, names)))

    def reading(self) -> Reading:
        at = 0
        while tag := _TAG.search(self._body, at):
            self._add_words(at, tag.start())
            at = self._add_tag(tag)
        self._add_words(at, len(self._body))
        return self._reader.reading()

    def _add_tag(self, tag: re.Match[str]) -> int:
        """Take in a tag and, where it opens a place, the place; return where to go on."""
        name, tags = tag[0], self._tags
        if name == tags.phrase[0]:
            self._reader.open_phrase()
        elif name == tags.phrase[1]:
            self._reader.close_phrase()
        elif name in tags.places:
            return self._add_tagged_place(tag.end(), tags.places[name])
        elif not (
            self._reader.in_phrase or _GROUNDING_TAG.fullmatch(name) or self._own_tag.match(name)
        ):
            self._reader.add_words(name)
        return tag.end()

    def _add_tagged_place(self, start: int, kind: PlaceTag) -> int:
        """Take in what follows an opening tag; return where to go on.

        A place that is not closed ends with its numbers if they are complete. If they are not,
        all up to the next tag of the family is left out.
        """
        self._reader.built.has_markup = True
        following = self._own_tag.search(self._body, start)
        end = following.start() if following else len(self._body)
        if following and following[0] == kind.closing:
            self._add_places(start, end, kind.count)
            return following.end()
        run = _NUMBERS.match(self._body, start, end)
        assert run  # it may be empty
        complete = max(self._body.rfind(closer, start, run.end()) for closer in ")]") + 1
        found = complete > 0 and self._add_places(start, complete, kind.count)
        return run.end() if found else end

    def _add_places(self, start: int, end: int, count: int) -> bool:
        """Take in the places between two positions that have `count` numbers."""
        found = False
        for span, values in self._tags.find(self._body, start, end):
            if len(values) != count:
                continue
            space = self._tags.space_for(values, self._frame, self._space)
            read = space.box if count == 4 else space.polygon
            self._reader.add_place((span, values), read(values, self._frame))
            found = True
        return found

    def _add_words(self, start: int, end: int) -> None:
        """Take in words, and the places without tags among them."""
        if bare := self._tags.bare:
            for match in bare.complete.finditer(self._body, start, end):
                self._reader.add_words(self._body[start : match.start()])
                if self._add_places(*match.span(), 4):
                    self._reader.built.has_markup = True
                else:
                    self._reader.add_words(match[0])
                start = match.end()
            if end == len(self._body):
                half = bare.half.search(self._body, max(start, end - _HALF_LENGTH))
                if half:
                    self._reader.built.has_markup |= "," in half[0]
                    end = half.start()
        self._reader.add_words(self._body[start:end])
