"""Turns answers that were read, with their mentions, into the parts of an answer to learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vlm_demo.markup.written_answers import AnswerPart, AnswerPhrase
from vlm_demo.values import Box, Mention, Region, Task, bounding_box

SEARCHES = frozenset({Task.GROUNDING, Task.DETECT})
"""Tasks whose answers are lists of phrases with their boxes."""


def to_parts(
    task: Task, text: str, mentions: Sequence[Mention], targets: Sequence[str]
) -> tuple[AnswerPart, ...]:
    """Return the parts of an answer.

    Args:
        task: what was asked for.
        text: the answer in words.
        mentions: its phrases with their regions; where one has no span, its words are looked for.
        targets: what was searched for; those without a region are absent.
    """
    if task in SEARCHES:
        return tuple(_list_targets(mentions, targets))
    return tuple(_split_text(text, mentions))


def to_boxes(regions: Sequence[Region]) -> tuple[Box, ...]:
    """Return the boxes around regions; points are left out, since they have no size."""
    boxes = (bounding_box(region) for region in regions)
    return tuple(box for box in boxes if box.area > 0)


def _list_targets(mentions: Sequence[Mention], targets: Sequence[str]) -> Iterator[AnswerPhrase]:
    by_name: dict[str, tuple[Box, ...]] = dict.fromkeys(targets, ())
    only = targets[0] if len(targets) == 1 else ""
    for mention in mentions:
        name = mention.target or only or mention.phrase
        by_name[name] = (*by_name.get(name, ()), *to_boxes(mention.regions))
    for name, boxes in by_name.items():
        yield AnswerPhrase(name, boxes)


def _split_text(text: str, mentions: Sequence[Mention]) -> Iterator[AnswerPart]:
    at = 0
    for mention in sorted(mentions, key=lambda one: one.span):
        start, end = mention.span
        if start == end and mention.phrase:
            start = text.find(mention.phrase, at)
            end = start + len(mention.phrase)
        boxes = to_boxes(mention.regions)
        if start < at or end > len(text) or not boxes:
            continue
        if text[at:start]:
            yield text[at:start]
        yield AnswerPhrase(text[start:end], boxes)
        at = end
    if text[at:]:
        yield text[at:]
