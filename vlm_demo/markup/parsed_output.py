"""What readers return, and how they collect it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vlm_demo.markup.clean_text import CleanText
from vlm_demo.values import Mention, ParsedPlace, Region

Span = tuple[int, int]
"""Start and end in a text, in characters; the end is exclusive."""

NOWHERE: Span = (0, 0)
"""The span of what does not stand in the text."""

WrittenPlace = tuple[Span, tuple[float, ...]]
"""Where the numbers of a region stand in the output, and the numbers."""

NUMBER_PATTERN = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
"""Regular expression for a number as models write it; `parse_number` decides if it can be used."""

_NUMBER = re.compile(rf"\s*{NUMBER_PATTERN}(?:[eE][+-]?[0-9]+)?\s*")

MAX_NUMBER_LENGTH = 30
"""Characters in the longest number that is read.

Python writes fractions with fewer; more come from a model that repeats itself (house rule H10).
"""

MAX_NUMBER = 1e15
"""Largest absolute value of a number that is read, so that it can be drawn."""


@dataclass(frozen=True, slots=True)
class ParsedOutput:
    """Output without its markup, and the regions that were in it."""

    text: str
    """The words for people."""

    mentions: tuple[Mention, ...] = ()
    """Phrases with their regions; spans refer to `text`. An empty phrase is one that the output
    leaves unnamed."""

    unreadable: bool = False
    """Whether there is markup from which no region could be read."""

    parsed_places: tuple[ParsedPlace, ...] = ()
    """Where regions stand in the output, in its order; spans refer to the output."""

    is_damaged: bool = False
    """Whether some markup could not be read, beside regions that could."""


@dataclass(slots=True)
class ParsedOutputBuilder:
    """Collects text and regions while output is scanned from left to right."""

    has_markup: bool = False
    """Set it where markup is met, even if that cannot be read."""

    is_damaged: bool = False
    """Set it where a region is written that cannot be read. The end of an output that is still
    growing, or was cut off, is no damage."""

    _clean: CleanText = field(default_factory=CleanText)
    _mentions: list[Mention] = field(default_factory=list)
    _places: list[ParsedPlace] = field(default_factory=list)

    def add_text(self, piece: str) -> Span:
        """Append words for people; return where they stand in the text."""
        start, words = self._clean.add(piece)
        return (start, start + len(words)) if words else NOWHERE

    def add_parsed_place(self, span: Span, numbers: Sequence[float], region: Region) -> Region:
        """Note where in the output the numbers of a region stand; return the region."""
        self._places.append(ParsedPlace(span, tuple(numbers), region))
        return region

    def add_mention(
        self,
        regions: Sequence[Region],
        *,
        span: Span = NOWHERE,
        phrase: str = "",
        image_index: int = 0,
    ) -> None:
        """Tie regions to a phrase that stands in the text (`span`), or to one that does not."""
        if regions:
            self._mentions.append(Mention(phrase, span, tuple(regions), image_index))

    def add_output(self, output: ParsedOutput, offset: int, around: str = "") -> None:
        """Append what was read from a part of the output that begins at `offset`.

        `around` is that part: the blanks at its ends separate its words from others.
        """
        ahead, behind = around[: len(around) - len(around.lstrip())], around[len(around.rstrip()) :]
        start, _ = self.add_text(f"{ahead}{output.text}{behind if output.text else ''}")
        for mention in output.mentions:
            if start and any(mention.span):
                span = (mention.span[0] + start, mention.span[1] + start)
                mention = replace(mention, span=span)
            self._mentions.append(mention)
        for place in output.parsed_places:
            if offset:
                span = (place.span[0] + offset, place.span[1] + offset)
                place = replace(place, span=span)
            self._places.append(place)
        self.has_markup |= output.unreadable or bool(output.mentions)
        self.is_damaged |= output.is_damaged

    @property
    def is_empty(self) -> bool:
        """Whether there is no text yet."""
        return len(self._clean) == 0

    def build(self) -> ParsedOutput:
        """Return what was collected."""
        text = str(self._clean)
        mentions = tuple(_with_phrase(mention, text) for mention in self._mentions)
        unreadable = (self.has_markup or self.is_damaged) and not mentions
        is_damaged = self.is_damaged and bool(mentions)
        return ParsedOutput(text, mentions, unreadable, tuple(self._places), is_damaged)


def _with_phrase(mention: Mention, text: str) -> Mention:
    """Return a mention with the words of its span as its phrase."""
    phrase = text[slice(*mention.span)] if any(mention.span) else mention.phrase
    return mention if phrase == mention.phrase else replace(mention, phrase=phrase)


def parse_number(text: str) -> float | None:
    """Return a number that can be drawn; None for anything else, NaN, infinity or absurd length."""
    if len(text) > MAX_NUMBER_LENGTH or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if -MAX_NUMBER < value < MAX_NUMBER else None


def parse_numbers(items: Sequence[str]) -> tuple[float, ...] | None:
    """Return all items as numbers, or None if one of them cannot be read."""
    values = [parse_number(item) for item in items]
    return None if None in values else tuple(value for value in values if value is not None)
