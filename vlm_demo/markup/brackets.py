"""Bare numbers in brackets, `a dog [0.10, 0.20, 0.30, 0.40]`, as many families write regions.

A box is a bracket of four numbers, and a point one of two where a family has points. Several
regions of one phrase stand in brackets in a row, joined by commas or "and", or in one bracket
between semicolons. Most families mark no phrase, so the words before the bracket are taken (a
heuristic); SPHINX writes `<p>phrase</p>` before it. A region without such words stays unnamed. How
a family differs from the others stands in its own file, with its source.

The same brackets hold footnotes and lists. Fractions are told from them by a decimal point, whole
numbers by their count. Brackets with a damaged region are left out of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from vlm_demo.markup.base import (
    NOWHERE,
    Markup,
    ParsedOutput,
    ParsedOutputBuilder,
    Span,
    WrittenPlace,
    parse_numbers,
)
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.markup.phrase_heuristics import COLONS, STRAY, find_phrase
from vlm_demo.values import Box, Frame, Point, Region, bounding_box

OVERSHOOT = 1.0
"""How far beyond the image, in fractions of it, a number may lie and is clipped.

Numbers further out count something else, such as percent or pixels, and are skipped.
"""

_NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_ITEM = re.compile(rf"{_NUMBER}|nan|[+-]?inf(?:inity)?|null|none", re.IGNORECASE)
_PLAIN = re.compile(r"\s*[0-9]+(?:\s*[,\s]\s*[0-9]+)*\s*")
_SEPARATOR = re.compile(r"[\s,;]+")
_PART = re.compile(r"[^\s;](?:[^;]*[^\s;])?")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_PARTIAL_BRACKET = re.compile(r"\[[\s0-9.,;+eE-]*")
_TAG = re.compile(r"<(/?[A-Za-z][\w-]*+)/?>")
_TAG_WITH_BLANK = re.compile(rf"{_TAG.pattern}(\s?)")
_PARTIAL_TAG = re.compile(r"</?(?:[A-Za-z][\w-]*)?/?")
_JOINT = re.compile(r"\]?[\s,;、]*+(?:(?:and|or|と|や)(?![a-z]))?\s*+\[?")
_PAIRS = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brackets:
    """How a family writes the regions of a phrase.

    The coordinate space says whether the numbers are fractions or whole.
    """

    decimals: int = 2
    """Decimals of a written fraction."""

    digits: int = 0
    """Digits of a written whole number, with leading zeros; 0: as many as it takes."""

    number_separator: str = ", "
    """What is written between the numbers of a region."""

    region_separator: str = "], ["
    """What is written between the regions of a phrase."""

    double_brackets: bool = False
    """Whether regions stand in `[[...]]`; what stands in single brackets is then text."""

    reads_points: bool = False
    """Whether two numbers are a point."""

    reads_long_lists: bool = False
    """Whether whole numbers in brackets are always markup, however many there are."""

    strict_integers: bool = False
    """Whether a region with decimals is skipped."""

    strips_tags: bool = False
    """Whether `<...>` is markup and no text."""

    tagged_phrases: bool = False
    """Whether a phrase is what stands in `<p>` before the bracket."""

    def markup(self, space: CoordinateSpace, *, asks_points: bool = False) -> Markup:
        """Return the reader and writer, with the space that the family's numbers are in.

        `asks_points` says that the family was made to be asked about points too.
        """
        phrase = "<p>{phrase}</p>" if self.tagged_phrases else "{phrase} "
        return Markup(
            self.read,
            self.write,
            space,
            self.write_point if asks_points else None,
            phrase_pattern=f"{phrase}{{places}}",
        )

    def read(self, raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
        """Read the regions in output that may be growing, cut off or damaged."""
        fractions = _uses_fractions(space, frame)
        body, cut_off = self._split_off_partial(raw)
        builder, at = ParsedOutputBuilder(), 0
        if ("." if fractions else ",") in cut_off:
            builder.has_markup = fractions or self.reads_long_lists or self.double_brackets
        for group in self._find_groups(body, fractions):
            words = body[at : group.start]
            if _ends_clause(body, group.end):
                words = words.rstrip().rstrip(COLONS)  # "it is here: [...]"
            if at and builder.is_empty:
                words = words.lstrip(STRAY)
            span = self._add_words(builder, words, follows_places=at > 0)
            regions = [
                builder.add_parsed_place(
                    written,
                    values,
                    (space.to_box if len(values) == 4 else space.to_point)(values, frame),
                )
                for written, values in group.places
            ]
            builder.add_mention(regions, span=span)
            builder.has_markup = True
            written = body[group.start : group.end]
            builder.is_damaged |= not regions and any(map(str.isdigit, written))
            at = group.end
        rest = body[at:]
        if at and cut_off and _JOINT.fullmatch(rest):
            rest = ""
        elif at and builder.is_empty:
            rest = rest.lstrip(STRAY)
        self._add_words(builder, rest, follows_places=at > 0)
        return builder.build()

    def write(self, regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
        """Write the regions of one phrase, each as a box, as `read` reads them."""
        places = (self._format_place(bounding_box(region), frame, space) for region in regions)
        bracketed = f"[{self.region_separator.join(places)}]"
        return f"[{bracketed}]" if self.double_brackets else bracketed

    def write_point(self, point: Point, frame: Frame, space: CoordinateSpace) -> str:
        """Write a point as two numbers."""
        return f"[{self._format_place(point, frame, space)}]"

    def _format_place(self, place: Box | Point, frame: Frame, space: CoordinateSpace) -> str:
        values = space.to_numbers(place, frame)
        if _uses_fractions(space, frame):
            return self.number_separator.join(f"{value:.{self.decimals}f}" for value in values)
        whole = [round(value) for value in values]
        if self.digits:
            whole = [min(value, 10**self.digits - 1) for value in whole]
        return self.number_separator.join(f"{value:0{self.digits}d}" for value in whole)

    def _split_off_partial(self, raw: str) -> tuple[str, str]:
        """Split off an incomplete bracket or tag at the end, but no complete region in it."""
        tag_at = raw.rfind("<") if self.strips_tags else -1
        if tag_at >= 0 and _PARTIAL_TAG.fullmatch(raw, tag_at):
            raw = raw[:tag_at]
        at = raw.rfind("[")
        if at < 0 or not _PARTIAL_BRACKET.fullmatch(raw, at):
            return raw, ""
        complete = raw.rfind(";", at)
        if complete >= 0:
            return f"{raw[:complete]}]", raw[complete:]
        body = raw[:at]
        if body.rstrip()[-1:] in _PAIRS:
            body = body.rstrip()[:-1]
        return body, raw[at:]

    def _find_groups(self, body: str, fractions: bool) -> Iterator[_BracketGroup]:
        """Find brackets of numbers; those with only a comma or "and" between them are one group."""
        joined: list[re.Match[str]] = []
        for match in _BRACKET.finditer(body):
            if not self._is_markup(match, fractions):
                continue
            if joined and not _JOINT.fullmatch(body, joined[-1].end(), match.start()):
                yield from self._make_group(joined, fractions)
                joined = []
            joined.append(match)
        if joined:
            yield from self._make_group(joined, fractions)

    def _make_group(
        self, joined: Sequence[re.Match[str]], fractions: bool
    ) -> Iterator[_BracketGroup]:
        """Make a group with the brackets or parentheses around it: `[[...]]`, `([...])`.

        Yields nothing where double brackets are needed and missing.
        """
        start, end, body = joined[0].start(), joined[-1].end(), joined[0].string
        opened = ""
        for _ in range(2):
            before = body[max(0, start - 4) : start].rstrip()[-1:]
            after = body[end : end + 4]
            closer = _PAIRS.get(before)
            if closer is None:
                break
            if after.lstrip().startswith(closer):
                end += after.index(closer) + 1
            elif after.strip(STRAY) and not (self.double_brackets and before == "["):
                break
            start = body.rindex(before, 0, start)
            opened += before
        if "[" in opened or not self.double_brackets:
            places = (
                place for bracket in joined for place in self._read_places(bracket, fractions)
            )
            yield _BracketGroup(start, end, tuple(places))

    def _is_markup(self, match: re.Match[str], fractions: bool) -> bool:
        """Whether a bracket holds numbers that look like a region, readable or not."""
        items = _split_items(match[1])
        if not all(map(_ITEM.fullmatch, items)):
            return False
        if self.double_brackets or (self.tagged_phrases and _follows_phrase(match)):
            return True  # even where it is empty
        if len(items) < 2:
            return False
        if fractions:
            corners = len(items) == 4 and set(items) <= {"0", "1"}
            return corners or any("." in item for item in items)
        return self.reads_long_lists or len(items) == 4

    def _read_places(self, bracket: re.Match[str], fractions: bool) -> Iterator[WrittenPlace]:
        """Yield the regions in a bracket; anything else is skipped (house rule H5)."""
        offset = bracket.start(1)
        for start, end in _split_parts(bracket[1]):
            if values := self._read_numbers(bracket[1][start:end], fractions):
                yield (offset + start, offset + end), values

    def _read_numbers(self, part: str, fractions: bool) -> tuple[float, ...]:
        """Return the numbers of one region, or () where they are not those of a region."""
        values = parse_numbers(_split_items(part))
        if values is None or len(values) not in ((2, 4) if self.reads_points else (4,)):
            return ()
        if fractions:
            inside = all(-OVERSHOOT <= value <= 1 + OVERSHOOT for value in values)
            return values if inside else ()
        return () if self.strict_integers and not _PLAIN.fullmatch(part) else values

    def _add_words(self, builder: ParsedOutputBuilder, words: str, *, follows_places: bool) -> Span:
        """Append words; return where in the text the phrase of the region after them stands."""
        if self.tagged_phrases:
            return _add_tagged_phrase(builder, words, follows_places=follows_places)
        words = _TAG_WITH_BLANK.sub(_keep_one_blank, words) if self.strips_tags else words
        start, _ = builder.add_text(words)
        first, last = find_phrase(words.strip(), follows_places=follows_places)
        return (start + first, start + last) if last > first else NOWHERE


@dataclass(frozen=True, slots=True)
class _BracketGroup:
    """Brackets that belong to the same phrase, and where they stand in the output."""

    start: int
    end: int
    places: tuple[WrittenPlace, ...]


def _uses_fractions(space: CoordinateSpace, frame: Frame) -> bool:
    return space.extent(frame) == (1.0, 1.0)


def _split_items(text: str) -> list[str]:
    return [item for item in _SEPARATOR.split(text) if item]


def _split_parts(content: str) -> list[Span]:
    """Split a bracket at its semicolons, unless those stand between single numbers."""
    spans = [part.span() for part in _PART.finditer(content)] if ";" in content else []
    if all(len(_split_items(content[slice(*span)])) < 2 for span in spans):
        return [(0, len(content))]
    return spans


def _follows_phrase(bracket: re.Match[str]) -> bool:
    at = bracket.start()
    return bracket.string[max(0, at - 8) : at].rstrip().endswith("</p>")


def _ends_clause(body: str, at: int) -> bool:
    following = body[at : at + 8].lstrip()[:1]
    return following in ("", ".", ",", ";", "!", "?", "。", "、")


def _keep_one_blank(tag: re.Match[str]) -> str:
    """Leave one blank where a tag stood between two."""
    at = tag.start()
    return "" if tag.string[max(0, at - 1) : at].isspace() else tag[2]


def _add_tagged_phrase(builder: ParsedOutputBuilder, words: str, *, follows_places: bool) -> Span:
    """Append words without their tags; return the span of a phrase in `<p>` at their end.

    A phrase that is still open counts too. One that other words follow does not.
    """
    if follows_places and words.startswith("<p>"):
        builder.add_text(" ")  # "<p>nose</p>[...]<p>left_eye</p>[...]"
    pieces = _TAG.split(words)
    span, in_phrase = NOWHERE, False
    for piece, tag in zip_longest(pieces[::2], pieces[1::2]):
        start, end = builder.add_text(piece)
        if end and in_phrase:
            span = (span[0] if any(span) else start, end)
        elif end:
            span = NOWHERE
        if tag == "p" and not in_phrase:
            span, in_phrase = NOWHERE, True
        elif tag == "/p":
            in_phrase = False
    return span
