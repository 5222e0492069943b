"""Bare numbers in brackets, `a dog [0.10, 0.20, 0.30, 0.40]`, as many families write places.

What they share: a place is a bracket of four numbers, or of two where a family has points. Several
boxes of one phrase stand in brackets in a row, joined by commas or "and", or in one bracket between
semicolons. Most families mark no phrase, so the words before the bracket are taken (a heuristic);
SPHINX writes `<p>phrase</p>` before it. A place whose phrase is not told is left unnamed. How each
family differs from the others stands in its own file, with its source.

The same brackets hold footnotes and lists. Fractions are told from them by a decimal point, whole
numbers by their count. Brackets that hold a place gone wrong are left out of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from vlm_demo.markup.base import NOWHERE, Markup, Reading, ReadingBuilder, Span, numbers
from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.values import Box, Frame, Point, Region, bounding_box

OVERSHOOT = 1.0
"""How far beyond the picture, in fractions, a number may lie to be clipped, not refused: numbers
still further out count something else, such as percent or pixels."""

MAX_PHRASE = 200
"""Characters before a bracket in which its phrase is looked for."""

_NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_ITEM = re.compile(rf"{_NUMBER}|nan|[+-]?inf(?:inity)?|null|none", re.IGNORECASE)
_PLAIN = re.compile(r"[0-9]+(?:,[0-9]+)*")
_SEPARATOR = re.compile(r"[\s,;]+")
_PART = re.compile(r"[^\s;](?:[^;]*[^\s;])?")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_HALF_BRACKET = re.compile(r"\[[\s0-9.,;+eE-]*")
_TAG = re.compile(r"<(/?[A-Za-z][\w-]*+)/?>")
_TAG_AND_BLANK = re.compile(rf"{_TAG.pattern}(\s?)")
_HALF_TAG = re.compile(r"</?(?:[A-Za-z][\w-]*)?/?")
_JOINT = re.compile(r"\]?[\s,;、]*+(?:(?:and|or|と|や)(?![a-z]))?\s*+\[?")
_PAIRS = {"(": ")", "[": "]"}
_STRAY = " \t\n,;:.、。"  # left over where an answer begins with places
_COLONS = ":\N{FULLWIDTH COLON}"
_CLAUSE_END = re.compile(r"[.!?](?=\s)|[,;\n。、\uff01\uff1f]")

_LEAD = re.compile(
    r"(?:(?:and|or|but|then|also|plus|while|with|(?:the|this) (?:image|picture|photo|scene)"
    r" (?:shows|features|contains|has|depicts)|(?:i|we|you) (?:can )?see"
    r"|there (?:is|are|was|were)"
    r"|(?:the )?(?:bounding box|coordinates?|location|position)(?: coordinates?)? (?:of|for))\b"
    r"|と|や|・)\s*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?<!\s)(?:\s+(?:is|are|was|were|can be))?(?:\s+(?:located|found|seen|shown))?"
    r"(?:\s+(?:here|there|at|in|within))?\s*\Z"
    r"|は(?:ここ|こちら)(?:に(?:あります|います)|です)?\s*\Z",
    re.IGNORECASE,
)
_DETERMINER = re.compile(
    r"\b(?:an?|the|one|two|three|four|five|some|another|this|that|these|those|his|her|its|their)\s",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"(?:the |its |their )?(?:answer|bounding box(?:es)?|box(?:es)?|coordinates?|locations?"
    r"|positions?|regions?|areas?|it|they|is|are|at|in|located at|here|there|yes|sure)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brackets:
    """How a family writes the places of a phrase.

    Whether the numbers are fractions or whole is the coordinate space's to say.
    """

    decimals: int = 2  # of a written fraction
    digits: int = 0  # of a written whole number, with zeros before it; 0: as many as it takes
    separator: str = ", "  # written between the numbers of a place
    joint: str = "], ["  # written between the places of a phrase
    double: bool = False  # `[[...]]`; what stands in single brackets is text
    points: bool = False  # two numbers are a point
    always: bool = False  # whole numbers in brackets are never lists, however many there are
    strict: bool = False  # blanks and decimals spoil a place of whole numbers
    has_tags: bool = False  # `<...>` is markup, not text
    tagged_phrases: bool = False  # a phrase is what stands in `<p>` before the bracket

    def markup(self, space: CoordinateSpace, *, asks_points: bool = False) -> Markup:
        """Return the reader and writer, with the space that the family's numbers are in.

        `asks_points`: whether the family was made to be asked about points too.
        """
        return Markup(self.read, self.write, space, self.write_point if asks_points else None)

    def read(self, raw: str, frame: Frame, space: CoordinateSpace) -> Reading:
        """Read the places in output that may be growing, cut off or damaged."""
        fractions = _in_fractions(space, frame)
        body, cut_off = self._without_cut_off(raw)
        builder, at = ReadingBuilder(), 0
        if ("." if fractions else ",") in cut_off:
            builder.has_markup = fractions or self.always or self.double
        for group in self._groups(body, fractions):
            words = body[at : group.start]
            if _clause_ends(body, group.end):
                words = words.rstrip().rstrip(_COLONS)  # "it is here: [...]"
            if at and builder.is_empty:
                words = words.lstrip(_STRAY)
            span = self._add_words(builder, words, follows_places=at > 0)
            regions = [
                builder.add_parsed_place(
                    written, values, (space.box if len(values) == 4 else space.point)(values, frame)
                )
                for written, values in group.places
            ]
            builder.add_mention(regions, span=span)
            builder.has_markup = True
            at = group.end
        rest = body[at:]
        if at and cut_off and _JOINT.fullmatch(rest):
            rest = ""
        elif at and builder.is_empty:
            rest = rest.lstrip(_STRAY)
        self._add_words(builder, rest, follows_places=at > 0)
        return builder.reading()

    def write(self, regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
        """Write the places of one phrase, each as a box, as `read` reads them."""
        places = (self._written(bounding_box(region), frame, space) for region in regions)
        bracketed = f"[{self.joint.join(places)}]"
        return f"[{bracketed}]" if self.double else bracketed

    def write_point(self, point: Point, frame: Frame, space: CoordinateSpace) -> str:
        """Write a point as two numbers."""
        return f"[{self._written(point, frame, space)}]"

    def _written(self, place: Box | Point, frame: Frame, space: CoordinateSpace) -> str:
        values = space.numbers(place, frame)
        if _in_fractions(space, frame):
            return self.separator.join(f"{value:.{self.decimals}f}" for value in values)
        whole = [round(value) for value in values]
        if self.digits:
            whole = [min(value, 10**self.digits - 1) for value in whole]
        return self.separator.join(f"{value:0{self.digits}d}" for value in whole)

    def _without_cut_off(self, raw: str) -> tuple[str, str]:
        """Split off a bracket or tag that is only half written; places complete in it are kept."""
        tag_at = raw.rfind("<") if self.has_tags else -1
        if tag_at >= 0 and _HALF_TAG.fullmatch(raw, tag_at):
            raw = raw[:tag_at]
        at = raw.rfind("[")
        if at < 0 or not _HALF_BRACKET.fullmatch(raw, at):
            return raw, ""
        complete = raw.rfind(";", at)
        if complete >= 0:
            return f"{raw[:complete]}]", raw[complete:]
        body = raw[:at]
        if body.rstrip()[-1:] in _PAIRS:
            body = body.rstrip()[:-1]
        return body, raw[at:]

    def _groups(self, body: str, fractions: bool) -> Iterator[_Group]:
        """Find brackets of numbers and join those with nothing but a joint between them."""
        joined: list[re.Match[str]] = []
        for match in _BRACKET.finditer(body):
            if not self._is_markup(match, fractions):
                continue
            if joined and not _JOINT.fullmatch(body, joined[-1].end(), match.start()):
                yield from self._group(joined, fractions)
                joined = []
            joined.append(match)
        if joined:
            yield from self._group(joined, fractions)

    def _group(self, joined: Sequence[re.Match[str]], fractions: bool) -> Iterator[_Group]:
        """Take brackets or parentheses around brackets for part of them: `[[...]]`, `([...])`.

        Yields nothing where these have to be there and are not.
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
            elif after.strip(_STRAY) and not (self.double and before == "["):
                break
            start = body.rindex(before, 0, start)
            opened += before
        if "[" in opened or not self.double:
            places = (place for bracket in joined for place in self._places(bracket, fractions))
            yield _Group(start, end, tuple(places))

    def _is_markup(self, match: re.Match[str], fractions: bool) -> bool:
        """Whether a bracket holds numbers that look like a place, right or wrong."""
        items = _items(match[1])
        if not all(map(_ITEM.fullmatch, items)):
            return False
        if self.double or (self.tagged_phrases and _follows_phrase(match)):
            return True  # also where it is empty
        if len(items) < 2:
            return False
        if fractions:
            corners = len(items) == 4 and set(items) <= {"0", "1"}
            return corners or any("." in item for item in items)
        return self.always or len(items) == 4

    def _places(self, bracket: re.Match[str], fractions: bool) -> Iterator[_Place]:
        """Find the places in a bracket; what is none is skipped (house rule H5)."""
        offset = bracket.start(1)
        for start, end in _parts(bracket[1]):
            if values := self._numbers(bracket[1][start:end], fractions):
                yield (offset + start, offset + end), values

    def _numbers(self, part: str, fractions: bool) -> tuple[float, ...]:
        """Return the numbers of one place, or none where they make no place."""
        values = numbers(_items(part))
        if values is None or len(values) not in ((2, 4) if self.points else (4,)):
            return ()
        if fractions:
            inside = all(-OVERSHOOT <= value <= 1 + OVERSHOOT for value in values)
            return values if inside else ()
        return () if self.strict and not _PLAIN.fullmatch(part) else values

    def _add_words(self, builder: ReadingBuilder, words: str, *, follows_places: bool) -> Span:
        """Append words; return where in the text the phrase of a place behind them stands."""
        if self.tagged_phrases:
            return _add_tagged(builder, words, follows_places=follows_places)
        words = _TAG_AND_BLANK.sub(_kept_blank, words) if self.has_tags else words
        start, _ = builder.add_text(words)
        first, last = _phrase(words.strip(), follows_places=follows_places)
        return (start + first, start + last) if last > first else NOWHERE


_Place = tuple[Span, tuple[float, ...]]
"""Where the numbers of a place stand in the output, and the numbers."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Brackets that belong to the same phrase, and where they stand in the output."""

    start: int
    end: int
    places: tuple[_Place, ...]


def _in_fractions(space: CoordinateSpace, frame: Frame) -> bool:
    return space.extent(frame) == (1.0, 1.0)


def _items(text: str) -> list[str]:
    return [item for item in _SEPARATOR.split(text) if item]


def _parts(content: str) -> list[Span]:
    """Split a bracket at its semicolons, unless those stand between single numbers."""
    spans = [part.span() for part in _PART.finditer(content)] if ";" in content else []
    if all(len(_items(content[slice(*span)])) < 2 for span in spans):
        return [(0, len(content))]
    return spans


def _follows_phrase(bracket: re.Match[str]) -> bool:
    at = bracket.start()
    return bracket.string[max(0, at - 8) : at].rstrip().endswith("</p>")


def _clause_ends(body: str, at: int) -> bool:
    following = body[at : at + 8].lstrip()[:1]
    return following in ("", ".", ",", ";", "!", "?", "。", "、")


def _kept_blank(tag: re.Match[str]) -> str:
    """Leave one blank where a tag stood between two."""
    at = tag.start()
    return "" if tag.string[max(0, at - 1) : at].isspace() else tag[2]


def _add_tagged(builder: ReadingBuilder, words: str, *, follows_places: bool) -> Span:
    """Append words without their tags; return the span of a phrase in `<p>` at their end.

    A phrase that is still open counts too; other words between it and the place part them.
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


def _phrase(words: str, *, follows_places: bool) -> Span:
    """Find, in the words before a bracket, those that name what it encloses: start and end.

    They are the last clause, without "and", "there is" before and "is here" behind them.
    Words that go on after an earlier bracket ("... is holding a cup") begin at their article.
    """
    end = len(words.rstrip(_STRAY + _COLONS))
    start = max(0, end - MAX_PHRASE)
    for match in _CLAUSE_END.finditer(words, start, end):
        start = match.end()
    if tail := _TAIL.search(words, start, end):
        end = tail.start()
    while start < end and (words[start].isspace() or _LEAD.match(words, start, end)):
        lead = _LEAD.match(words, start, end)
        start = lead.end() if lead else start + 1
    article = _DETERMINER.search(words, start, end) if follows_places else None
    start = article.start() if article else start
    return NOWHERE if _NO_NAME.fullmatch(words, start, end) else (start, end)
