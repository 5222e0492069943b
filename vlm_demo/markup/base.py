"""What readers and writers of regions have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vlm_demo.markup.coordinate_spaces import SPACES, CoordinateSpace
from vlm_demo.markup.json_markup import JsonReader, read_with_json
from vlm_demo.markup.parsed_output import (
    MAX_NUMBER,
    NOWHERE,
    NUMBER_PATTERN,
    ParsedOutput,
    ParsedOutputBuilder,
    Span,
    WrittenPlace,
    parse_number,
    parse_numbers,
)
from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase, WriteAnswer, fill_pattern
from vlm_demo.values import Frame, Point, Region

__all__ = [
    "MAX_NUMBER",
    "NOWHERE",
    "NUMBER_PATTERN",
    "AnswerPart",
    "AnswerPhrase",
    "Markup",
    "ParsedOutput",
    "ParsedOutputBuilder",
    "Span",
    "WrittenPlace",
    "parse_number",
    "parse_numbers",
]

_WRAPPER = re.compile(r"</?(?:answer|tool_call)>")
"""Tags around a whole answer that many trainers ask for; they are no text for people."""


@dataclass(frozen=True, slots=True)
class Markup:
    """How a family writes regions in its text; `read` and `write` undo each other."""

    read: Callable[[str, Frame, CoordinateSpace], ParsedOutput]
    """Reads output that may still be growing, cut off or damaged; never raises."""

    write: Callable[[Sequence[Region], Frame, CoordinateSpace], str]
    """Writes the regions of one phrase as boxes, or as points where a family only has points."""

    space: CoordinateSpace
    """What the numbers count, unless a person chose another space."""

    write_point: Callable[[Point, Frame, CoordinateSpace], str] | None = None
    """Writes a point in a question; None: the family was not made to be asked about points."""

    reads_json: bool = False
    """Whether `read` itself reads JSON, in a way of its own."""

    json_space: CoordinateSpace | None = None
    """What numbers in JSON count, where the family's own are no coordinates that a person would
    ask for; None: the same."""

    phrase_pattern: str = "{phrase} {places}"
    """How an answer writes a phrase, "{phrase}", and its regions, "{places}"."""

    phrase_separator: str = ", "
    """What stands between two phrases of a list."""

    repeats_target: bool = False
    """Whether the pattern is also that of the answer to a search for one thing."""

    absence: str = "There is no {phrase}."
    """The answer to a search that finds nothing, where nobody documents one."""

    answer_writer: WriteAnswer | None = None
    """Writes a whole answer; None: `write` and the pattern do."""

    def space_for(self, frame: Frame) -> CoordinateSpace:
        """Return the space that numbers are taken to be in: the family's, or the chosen one."""
        return SPACES.get(frame.space, self.space)

    def read_output(self, raw: str, frame: Frame) -> ParsedOutput:
        """Read output in the space that applies.

        JSON about places is read in every family, since people ask every model for it.
        """
        space = self.space_for(frame)
        raw = _WRAPPER.sub(lambda tag: " " * len(tag[0]), raw)
        if self.reads_json or isinstance(self.read, JsonReader):
            return self.read(raw, frame, space)
        json_space = SPACES.get(frame.space, self.json_space or self.space)
        return read_with_json(self.read, raw, frame, space, json_space)

    def write_regions(self, regions: Sequence[Region], frame: Frame) -> str:
        """Write the regions of one phrase in the space that applies."""
        return self.write(regions, frame, self.space_for(frame))

    @property
    def names_target(self) -> bool:
        """Whether the answer to a search for one thing names it."""
        return self.repeats_target or self.answer_writer is not None

    def write_answer(self, parts: Sequence[AnswerPart], frame: Frame) -> str:
        """Write a whole answer as the family's models do, so that `read_output` reads it."""
        phrases = [part for part in parts if isinstance(part, AnswerPhrase)]
        space = self.space_for(frame)
        if self.answer_writer:
            return self.answer_writer(parts, frame, space)
        if len(phrases) == len(parts) and not any(phrase.boxes for phrase in phrases):
            return "\n".join(self.absence.replace("{phrase}", one.phrase) for one in phrases)
        return fill_pattern(
            parts,
            self.phrase_pattern,
            self.phrase_separator,
            lambda boxes: self.write(boxes, frame, space),
        )
