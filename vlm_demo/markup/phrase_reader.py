"""Ties regions to the phrases before them, for formats that tag both."""

from __future__ import annotations

from dataclasses import dataclass, field

from vlm_demo.markup.parsed_output import (
    NOWHERE,
    ParsedOutput,
    ParsedOutputBuilder,
    Span,
    WrittenPlace,
)
from vlm_demo.markup.phrase_heuristics import JOINT, find_phrase
from vlm_demo.values import Region


@dataclass(slots=True)
class PhraseReader:
    """Ties regions to phrases while it is given words, tags and regions in their order.

    A region belongs to the phrase before it, and so do the regions that follow at once. Words
    between them end the phrase; without `words_end_phrase`, only those after its first region do.
    """

    words_end_phrase: bool = True
    builder: ParsedOutputBuilder = field(default_factory=ParsedOutputBuilder)
    in_phrase: bool = False
    """Whether a phrase was opened and is not closed yet."""

    _phrase: Span = NOWHERE
    _regions: list[Region] = field(default_factory=list)  # of the phrase

    @property
    def awaits_place(self) -> bool:
        """Whether a phrase or a region has just ended."""
        return not self.in_phrase and (any(self._phrase) or bool(self._regions))

    def add_words(self, words: str) -> None:
        """Add words for people, in the phrase if one is open."""
        span = self.builder.add_text(words)
        if span == NOWHERE:
            return  # blanks end no phrase
        if self.in_phrase:
            self._phrase = (self._phrase[0], span[1]) if any(self._phrase) else span
        elif self.words_end_phrase or self._regions:
            self._end()

    def add_words_before_place(self, words: str) -> None:
        """Add words before a region without tags; the last of them name it if no tag does.

        A comma or "and" between two regions of a phrase is no word of its own.
        """
        if self._regions and JOINT.fullmatch(words):
            return
        follows_places = bool(self._regions) or self.builder.has_markup
        if any(self._phrase) and not self._regions:
            self.builder.add_text(words)  # a tagged phrase, and "is at" or the like
            return
        start, _ = self.builder.add_text(words)
        first, last = find_phrase(words.strip(), follows_places=follows_places)
        self._end()
        self.in_phrase = False
        if last > first:
            self._phrase = (start + first, start + last)

    def open_phrase(self) -> None:
        """Begin a phrase."""
        self._end()
        self.in_phrase = True

    def close_phrase(self) -> None:
        """End the words of the phrase; its regions may follow."""
        self.in_phrase = False

    def add_place(self, written: WrittenPlace, region: Region) -> None:
        """Add a region to the phrase before it."""
        self.in_phrase = False
        self._regions.append(self.builder.add_parsed_place(*written, region))

    def build(self) -> ParsedOutput:
        """Return what was collected."""
        self._end()
        return self.builder.build()

    def _end(self) -> None:
        self.builder.add_mention(self._regions, span=self._phrase)
        self._regions, self._phrase = [], NOWHERE
