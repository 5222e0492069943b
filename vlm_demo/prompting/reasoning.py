"""Finds the reasoning in raw output that may still be growing, and where the answer stands.

Markers: `reasoning_content` in transformers/cli/serving/utils.py (5.23) for `<think>` and Gemma 4's
channel; the chat templates of Mistral's reasoning models (`[THINK]`), Kimi-VL (a triangle on each
side), Cohere (`<|START_THINKING|>`), Seed (`<seed:think>`), MiniMax (`<mm:think>`) and EXAONE
(`<thought>`) for the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LEFT, _RIGHT = "\N{WHITE LEFT-POINTING TRIANGLE}", "\N{WHITE RIGHT-POINTING TRIANGLE}"

MARKERS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("[THINK]", "[/THINK]"),
    (f"{_LEFT}think{_RIGHT}", f"{_LEFT}/think{_RIGHT}"),
    ("<|channel>thought", "<channel|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
)
"""What opens and closes reasoning, in every family."""

_OPENERS = tuple(opening for opening, _ in MARKERS)
_CLOSERS = tuple(closing for _, closing in MARKERS)
_MARKER = re.compile("|".join(map(re.escape, (*_OPENERS, *_CLOSERS))))


@dataclass(frozen=True, slots=True)
class ReasoningBlock:
    """A part of the output that is reasoning, with its markers."""

    start: int
    end: int
    words: str
    """The reasoning without its markers."""


def find_reasoning(raw: str, *, is_open: bool = False) -> tuple[ReasoningBlock, ...]:
    """Return the reasoning in an output, in its order.

    A closing marker without an opening one closes all that stands before it. `is_open` says that
    the prompt already ended with an opening marker.
    """
    return tuple(_find_blocks(raw, is_open=is_open))


def split_reasoning(raw: str, *, is_open: bool = False) -> tuple[str, int]:
    """Return the reasoning, and the index in `raw` where the answer begins.

    Reasoning may stand within the answer too; see `blank_out_reasoning`.
    """
    blocks = find_reasoning(raw, is_open=is_open)
    start = 0
    for block in blocks:
        if raw[start : block.start].strip():
            break
        start = block.end
    return "\n".join(filter(None, (block.words for block in blocks))), start


def blank_out_reasoning(raw: str, *, is_open: bool = False) -> str:
    """Return the output with blanks in place of its reasoning, so that indices stay the same."""
    for block in find_reasoning(raw, is_open=is_open):
        raw = raw[: block.start] + " " * (block.end - block.start) + raw[block.end :]
    return raw


def cut_at(marker: str, text: str) -> str:
    """Return the text before a marker, also where only the marker's beginning is written yet."""
    text = text.split(marker, 1)[0]
    for length in range(len(marker) - 1, 1, -1):
        if text.endswith(marker[:length]):
            return text[:-length]
    return text


def _find_blocks(raw: str, *, is_open: bool) -> Iterator[ReasoningBlock]:
    closers = [match for match in _MARKER.finditer(raw) if match[0] in _CLOSERS]
    opened: int | None = 0 if is_open else None  # where a block began
    at = 0
    for marker in _MARKER.finditer(raw):
        if marker[0] in _OPENERS:
            opened = marker.start() if opened is None else opened
        elif opened is not None or not at:
            start = opened or 0
            yield ReasoningBlock(start, marker.end(), _words(raw[start : marker.start()]))
            opened, at = None, marker.end()
        else:  # closed twice: what stands between was still reasoning
            yield ReasoningBlock(at, marker.end(), _words(raw[at : marker.start()]))
            at = marker.end()
    if opened is None and not closers and any(_begins(raw, opener) for opener in _OPENERS):
        opened = 0
    if opened is not None:
        words = _words(raw[opened:])
        for closer in _CLOSERS:
            words = cut_at(closer, words)
        yield ReasoningBlock(opened, len(raw), words.strip())


def _begins(raw: str, opener: str) -> bool:
    """Whether the output so far is the beginning of an opening marker."""
    return 2 <= len(raw.strip()) < len(opener) and opener.startswith(raw.strip())


def _words(reasoning: str) -> str:
    """Return reasoning without its opening marker."""
    begun = reasoning.lstrip()
    for opener in _OPENERS:
        if begun.startswith(opener):
            return begun.removeprefix(opener).strip()
        if _begins(begun, opener):
            return ""
    return reasoning.strip()
