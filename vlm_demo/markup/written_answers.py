"""Writes whole answers with regions, as a model is taught to give them.

A family's own reader reads back what is written here. Most families write the places of a phrase
behind it, which a pattern says; lists of JSON with labels, and what else is in another order, have
writers of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vlm_demo.markup.coordinate_spaces import CoordinateSpace
from vlm_demo.values import Box, Frame


@dataclass(frozen=True, slots=True)
class AnswerPhrase:
    """Words of an answer, and where on the newest picture that is which they name."""

    phrase: str
    boxes: tuple[Box, ...]
    """Fractions of the upright picture; (): it is not there."""


AnswerPart = str | AnswerPhrase
"""A piece of an answer: plain text, or a phrase with its boxes."""

WriteAnswer = Callable[[Sequence[AnswerPart], Frame, CoordinateSpace], str]
"""Writes the parts of an answer; numbers are in the given space."""


def split_phrases(parts: Sequence[AnswerPart]) -> tuple[str, list[AnswerPhrase]]:
    """Return the words of an answer, "" for those of a bare list, and its phrases."""
    phrases = [part for part in parts if isinstance(part, AnswerPhrase)]
    if len(phrases) == len(parts):
        return "", phrases
    return "".join(part if isinstance(part, str) else part.phrase for part in parts), phrases


def json_answer_writer(
    key: str,
    *,
    decimals: int = 0,
    label_first: bool = False,
    is_fenced: bool = False,
    space: CoordinateSpace | None = None,
) -> WriteAnswer:
    """Return a writer of a list of `{key: [x1, y1, x2, y2], "label": phrase}`, one a box.

    Words that are not phrases come before the list.

    Args:
        key: of the box.
        decimals: of its numbers; 0: they are whole.
        label_first: whether the label comes before the box.
        is_fenced: whether the list is indented, in a code fence.
        space: what the numbers count, unless a person chose it; None: the family's own space.
    """
    own_space = space

    def write(parts: Sequence[AnswerPart], frame: Frame, space: CoordinateSpace) -> str:
        words, phrases = split_phrases(parts)
        chosen = own_space if own_space and not frame.space else space
        entries = [
            _write_entry(key, label_first, phrase.phrase, _write_numbers(box, frame, chosen))
            for phrase in phrases
            for box in phrase.boxes
        ]
        if words and not entries:
            return words
        return _join_words(words, _fence(entries) if is_fenced else f"[{', '.join(entries)}]")

    def _write_numbers(box: Box, frame: Frame, space: CoordinateSpace) -> str:
        numbers = space.to_numbers(box, frame)
        return ", ".join(f"{number:.{decimals}f}" for number in numbers)

    return write


def _write_entry(key: str, label_first: bool, phrase: str, numbers: str) -> str:
    fields = [f'"{key}": [{numbers}]']
    if phrase:
        label = f'"label": {json.dumps(phrase, ensure_ascii=False)}'
        fields.insert(0 if label_first else 1, label)
    return f"{{{', '.join(fields)}}}"


def _fence(entries: Sequence[str]) -> str:
    """Write a list as Qwen's cookbooks show it."""
    lines = ",\n".join(f"\t{entry}" for entry in entries)
    return f"```json\n[\n{lines}\n]\n```" if entries else "```json\n[]\n```"


def _join_words(words: str, written: str) -> str:
    return f"{words.rstrip()}\n{written}" if words.strip() else written


def write_boxes_first(
    write_box: Callable[[Box, Frame, CoordinateSpace], str], separator: str
) -> WriteAnswer:
    """Return a writer of each box with its phrase behind it, such as `<loc...> cat ; <loc...> cat`.

    Words that are not phrases come before the boxes. A list without boxes is empty.
    """

    def write(parts: Sequence[AnswerPart], frame: Frame, space: CoordinateSpace) -> str:
        words, phrases = split_phrases(parts)
        written = separator.join(
            f"{write_box(box, frame, space)} {phrase.phrase}".rstrip()
            for phrase in phrases
            for box in phrase.boxes
        )
        return _join_words(words, written) if written else words

    return write


def fill_pattern(
    parts: Sequence[AnswerPart],
    pattern: str,
    separator: str,
    write_places: Callable[[Sequence[Box]], str],
) -> str:
    """Write the places of each phrase by a pattern with "{phrase}" and "{places}".

    Phrases that are in a list are separated. One without a box is written as words; in a list, what
    is absent is left out.
    """
    words, phrases = split_phrases(parts)
    if phrases and not words:
        present = [phrase for phrase in phrases if phrase.boxes]
        return separator.join(_fill_each(present, pattern, write_places))
    return "".join(_fill_each(parts, pattern, write_places))


def _fill_each(
    parts: Sequence[AnswerPart], pattern: str, write_places: Callable[[Sequence[Box]], str]
) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif not part.boxes:
            yield part.phrase
        else:
            filled = pattern if part.phrase else "{places}"
            yield filled.replace("{places}", write_places(part.boxes)).replace(
                "{phrase}", part.phrase
            )
