"""Runs of location tokens between words, as PaliGemma, Florence-2 and OFA write them.

A place is a run of tokens such as `<loc0256>`; what they count, and how many make a place, is each
family's own. A token whose number is damaged stays in its run, so that no place is ever put
together from what stands on both sides of it. Other tags are no words for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vlm_demo.markup.base import Span

_TAG = re.compile(r"</?[A-Za-z]\w*/?>|<\|\w+\|>", re.ASCII)
_HALF_TAG = re.compile(r"</?(?:[A-Za-z][\w.+-]*/?)?|<\|\w*\|?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """One tag of a run."""

    name: str  # "loc" of "<loc0256>"
    number: float | None  # 256; None: it has none, or one that is damaged
    span: Span  # in the output


@dataclass(frozen=True, slots=True)
class Run:
    """Tags with no words between them, and the words before them."""

    words: str
    tokens: tuple[Token, ...]  # (): the output ends with these words


def runs(raw: str, token: re.Pattern[str]) -> Iterator[Run]:
    """Split output into runs; the last one has no tokens. A tag cut off at the end is left out.

    Args:
        raw: the output.
        token: finds a tag; its groups `name` and `number`, which is missing where it is damaged.
    """
    raw = without_half_tag(raw)
    words, found, at = "", list[Token](), 0
    for match in token.finditer(raw):
        between = without_tags(raw[at : match.start()])
        if found and between.strip():
            yield Run(words, tuple(found))
            words, found = "", []
        if not found:
            words += between
        number = match["number"]
        found.append(Token(match["name"], float(number) if number else None, match.span()))
        at = match.end()
    if found:
        yield Run(words, tuple(found))
        words = ""
    yield Run(words + without_tags(raw[at:]), ())


def numbers_of(tokens: Sequence[Token]) -> tuple[float, ...] | None:
    """Return the numbers of tokens, or None if one is missing."""
    numbers = [token.number for token in tokens]
    return None if None in numbers else tuple(number for number in numbers if number is not None)


def span_of(tokens: Sequence[Token]) -> Span:
    """Return where tokens stand in the output."""
    return tokens[0].span[0], tokens[-1].span[1]


def without_tags(text: str) -> str:
    """Leave out tags, of whatever family (house rule H7)."""
    return _TAG.sub("", text)


def without_half_tag(text: str) -> str:
    """Leave out a tag that is cut off at the end."""
    at = text.rfind("<")
    return text[:at] if at >= 0 and _HALF_TAG.fullmatch(text, at) else text
