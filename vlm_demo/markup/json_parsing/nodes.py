"""JSON as it was found in text: its values, and what was left open where it broke."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

NodeKind = Literal["object", "list", "numbers", "text", "number", "nothing"]
"""What a JSON value is; "nothing" is null, NaN or a truth value.

Lists of nothing but numbers are a kind of their own, because they are the most frequent.
"""


@dataclass(slots=True)
class Node:
    """A JSON value, and where it stands in the text."""

    kind: NodeKind
    start: int
    end: int
    text: str = ""
    """A text without quotes and escapes, or a number or list of numbers as written."""

    items: list[tuple[str, Node]] = field(default_factory=list)
    """The keys and values of an object; in lists the keys are ""."""


@dataclass(slots=True)
class OpenBracket:
    """A bracket that is not closed yet, with what is complete in it."""

    node: Node
    parent_key: str
    """The nearest key above it; "": there is none."""

    key: str | None = None
    """In an object, the key whose value comes next."""


@dataclass(slots=True)
class Structure:
    """A part of a text that is JSON, or was until it broke."""

    start: int
    end: int
    root: Node | None
    """The value; None: it is not complete."""

    unclosed: tuple[OpenBracket, ...] = ()
    """The brackets that were open where it broke, outermost first."""

    is_cut_off: bool = False
    """Whether it broke because the text ends."""

    is_damaged: bool = False
    """Whether something in it is no JSON, and was guessed or skipped."""
