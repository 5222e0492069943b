"""Runs of location tokens between words, as PaliGemma, Florence-2 and OFA write them.

A region is a run of tokens such as `<loc0256>`; each family says what they count and how many make
a region. A token whose number is damaged stays in its run, so that no region is ever made of the
tokens on both sides of it. Other tags are left out of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vlm_demo.markup.parsed_output import Span

_TAG = re.compile(r"</?[A-Za-z]\w*/?>|<\|\w+\|>", re.ASCII)
_PARTIAL_TAG = re.compile(r"</?(?:[A-Za-z][\w.+-]*/?)?|<\|\w*\|?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LocationToken:
    """One tag of a run, such as `<loc0256>`."""

    name: str
    """The word in the tag: "loc"."""

    number: float | None
    """The number in the tag: 256; None: there is none, or it is damaged."""

    span: Span
    """Where the tag stands in the output."""


@dataclass(frozen=True, slots=True)
class TokenRun:
    """Tags with no words between them, and the words before them."""

    words: str
    """The words before the run."""

    tokens: tuple[LocationToken, ...]
    """The tags in their order; (): the output ends with these words."""


def split_runs(raw: str, token: re.Pattern[str]) -> Iterator[TokenRun]:
    """Split output into runs; the last one has no tokens. A tag cut off at the end is left out.

    Args:
        raw: the output.
        token: finds a tag with its groups `name` and `number`, which is None where it is damaged.
    """
    raw = strip_partial_tag(raw)
    words, found, at = "", list[LocationToken](), 0
    for match in token.finditer(raw):
        between = strip_tags(raw[at : match.start()])
        if found and between.strip():
            yield TokenRun(words, tuple(found))
            words, found = "", []
        if not found:
            words += between
        number = match["number"]
        found.append(LocationToken(match["name"], float(number) if number else None, match.span()))
        at = match.end()
    if found:
        yield TokenRun(words, tuple(found))
        words = ""
    yield TokenRun(words + strip_tags(raw[at:]), ())


def token_numbers(tokens: Sequence[LocationToken]) -> tuple[float, ...] | None:
    """Return the numbers of tokens, or None if one is missing."""
    numbers = [token.number for token in tokens]
    return None if None in numbers else tuple(number for number in numbers if number is not None)


def token_span(tokens: Sequence[LocationToken]) -> Span:
    """Return the part of the output from the first token to the last one."""
    return tokens[0].span[0], tokens[-1].span[1]


def strip_tags(text: str) -> str:
    """Remove the tags of any family (house rule H7)."""
    return _TAG.sub("", text)


def strip_partial_tag(text: str) -> str:
    """Remove a tag that is cut off at the end."""
    at = text.rfind("<")
    return text[:at] if at >= 0 and _PARTIAL_TAG.fullmatch(text, at) else text
