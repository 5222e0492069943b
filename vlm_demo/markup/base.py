"""What readers and writers of places have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from vlm_demo.markup.clean_text import CleanText
from vlm_demo.markup.coordinate_spaces import SPACES, CoordinateSpace
from vlm_demo.values import Frame, Mention, ParsedPlace, Point, Region

Span = tuple[int, int]
"""Start and end in a text; (0, 0): nowhere."""

NOWHERE: Span = (0, 0)

NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
"""A number as models write it; `number` says whether it can be used."""

_WRITTEN = re.compile(rf"\s*{NUMBER}(?:[eE][+-]?[0-9]+)?\s*")

MAX_LENGTH = 30
"""Characters of a number: Python writes fractions with fewer, and more are a model that has lost
its way (house rule H10)."""

MAX_VALUE = 1e15
"""Of a number that can be drawn."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Output without its markup. Spans of the mentions refer to `text`, of the marks to the output.

    A mention with an empty phrase is one that the output itself leaves unnamed.
    """

    text: str
    mentions: tuple[Mention, ...] = ()
    unreadable: bool = False  # markup is there, and no place could be read from it
    parsed_places: tuple[ParsedPlace, ...] = ()  # where the places stand in the output


@dataclass(frozen=True, slots=True)
class Markup:
    """How a family writes places in its text; `read` and `write` undo each other.

    `read` takes output that may still be growing, cut off or damaged, and never raises.
    `write` gives the places of one phrase, as boxes; `write_point` is for families that were made
    to be asked about points, and None for the others.
    """

    read: Callable[[str, Frame, CoordinateSpace], Reading]
    write: Callable[[Sequence[Region], Frame, CoordinateSpace], str]
    space: CoordinateSpace
    write_point: Callable[[Point, Frame, CoordinateSpace], str] | None = None  # in questions

    def space_in(self, frame: Frame) -> CoordinateSpace:
        """The space that numbers are taken to be in: the family's, or one that was chosen."""
        return SPACES.get(frame.space, self.space)

    def read_output(self, raw: str, frame: Frame) -> Reading:
        """Read output in the space that applies."""
        return self.read(raw, frame, self.space_in(frame))

    def write_regions(self, regions: Sequence[Region], frame: Frame) -> str:
        """Write the places of one phrase in the space that applies."""
        return self.write(regions, frame, self.space_in(frame))


@dataclass(slots=True)
class ReadingBuilder:
    """Puts a reading together while output is scanned from left to right."""

    has_markup: bool = False  # set it where markup is met, also markup that cannot be read
    _clean: CleanText = field(default_factory=CleanText)
    _mentions: list[Mention] = field(default_factory=list)
    _marks: list[ParsedPlace] = field(default_factory=list)

    def add_text(self, piece: str) -> Span:
        """Append words for people; return where they stand in the text."""
        start, words = self._clean.add(piece)
        return (start, start + len(words)) if words else NOWHERE

    def add_parsed_place(self, span: Span, numbers: Sequence[float], region: Region) -> Region:
        """Note where in the output a place stands; return the place."""
        self._marks.append(ParsedPlace(span, tuple(numbers), region))
        return region

    def add_mention(
        self,
        regions: Sequence[Region],
        *,
        span: Span = NOWHERE,
        phrase: str = "",
        image_index: int = 0,
    ) -> None:
        """Tie places to a phrase: one that stands in the text (`span`), or one of its own."""
        if regions:
            self._mentions.append(Mention(phrase, span, tuple(regions), image_index))

    @property
    def is_empty(self) -> bool:
        """Whether there is no text yet."""
        return len(self._clean) == 0

    def reading(self) -> Reading:
        """Return what was put together."""
        text = str(self._clean)
        mentions = tuple(
            replace(mention, phrase=text[slice(*mention.span)]) if any(mention.span) else mention
            for mention in self._mentions
        )
        unreadable = self.has_markup and not mentions
        return Reading(text, mentions, unreadable, tuple(self._marks))


def number(text: str) -> float | None:
    """Return a number that can be drawn, or None: no NaN, no infinity, nothing absurdly long."""
    if len(text) > MAX_LENGTH or not _WRITTEN.fullmatch(text):
        return None
    value = float(text)
    return value if -MAX_VALUE < value < MAX_VALUE else None


def numbers(items: Sequence[str]) -> tuple[float, ...] | None:
    """Return all items as numbers, or None if one of them is none."""
    values = [number(item) for item in items]
    return None if None in values else tuple(value for value in values if value is not None)
