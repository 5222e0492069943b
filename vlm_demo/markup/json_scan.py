"""Finds JSON, as models write it, in text in one pass; `json_shapes` says what it means.

It reads more than JSON: Python's quotes and words, keys without quotes, trailing and missing
commas, comments, round brackets, one closing bracket too few, and brackets in which the output ends
or breaks. Where JSON breaks, the search goes on after the break, so that junk takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

MAX_DEPTH = 40
"""Largest depth of brackets in brackets; deeper ones are junk."""

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


def find_structures(text: str, *, parentheses: bool = False) -> Iterator[Structure]:
    """Yield the JSON in a text from left to right; with `parentheses`, `(1, ..)` begins it too."""
    opening, at = _BRACKET_OR_TUPLE if parentheses else _BRACKET, 0
    while match := opening.search(text, at):
        structure = read_structure(text, match.start())
        if structure.root or structure.is_cut_off or any(map(_has_content, structure.unclosed)):
            yield structure
        at = structure.end


def _has_content(bracket: OpenBracket) -> bool:
    return bool(bracket.node.items) or bracket.key is not None


_OBJECT = r"""\{(?=[\s,]*+(?:["'}\w.+/-]|\Z))"""  # a brace that can begin an object
_BRACKET = re.compile(rf"\[|{_OBJECT}")
_BRACKET_OR_TUPLE = re.compile(rf"\[|{_OBJECT}|\((?=\s*[-+.0-9])")
_NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:e[+-]?[0-9]++)?+"
_QUOTED = r""""(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'"""
_SKIPPED = r"(?:[\s,]++|//[^\n]*+)*+"
_TOKEN = re.compile(
    rf"""{_SKIPPED}(?:
     (?P<numbers>[\[(]\s*+{_NUMBER}\s*+(?:,\s*+{_NUMBER}\s*+)*+,?\s*+[\])])
    |(?P<key>(?:{_QUOTED}|[\w.+-]++)(?=\s*+:))\s*+:
    |(?P<text>{_QUOTED})
    |(?P<mark>[\[\](){{}}])
    |(?P<number>{_NUMBER})(?![\w.])
    |(?P<nothing>(?:null|none|nan|[+-]?inf(?:inity)?|true|false)\b)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_UNFINISHED = re.compile(
    rf"""{_SKIPPED}(?:[\w.+-]*+|/|"(?:[^"\\\n]|\\.)*+[\\"]?|'(?:[^'\\\n]|\\.)*+[\\']?)\s*+\Z""",
    re.VERBOSE,
)
_OPENS: dict[str, NodeKind] = {"[": "list", "(": "list", "{": "object"}
_CLOSES: dict[str, NodeKind] = {"]": "list", ")": "list", "}": "object"}


def read_structure(text: str, start: int) -> Structure:
    """Read from an opening bracket to its closing one, or to where it stops being JSON."""
    if text.startswith("[]", start):
        return Structure(start, start + 2, Node("list", start, start + 2))
    scan, at = _JsonScanner(), start
    while scan.root is None:
        token = _TOKEN.match(text, at)
        if token is None or not scan.add_token(token):
            is_cut_off = _UNFINISHED.match(text, at) is not None
            end = len(text) if is_cut_off else max(at, start + 1)
            return Structure(start, end, None, tuple(scan.unclosed), is_cut_off)
        at = token.end()
    return Structure(start, at, scan.root)


@dataclass(slots=True)
class _JsonScanner:
    """Builds a value from its tokens."""

    unclosed: list[OpenBracket] = field(default_factory=list)
    root: Node | None = None

    def add_token(self, token: re.Match[str]) -> bool:
        """Add a token; return False if it does not belong here."""
        kind = token.lastgroup or ""
        text = token[kind]
        if kind == "mark":
            if text in _OPENS:
                return self._open(_OPENS[text], token.start(kind))
            return self._close(_CLOSES[text], token.end())
        if kind == "key":
            return self._set_key(_unquote(text))
        start, end = token.span(kind)
        match kind:
            case "text":
                return self._add(Node("text", start, end, _unquote(text)))
            case "numbers" | "number" | "nothing":
                return self._add(Node(kind, start, end, text))
        return False

    def _set_key(self, key: str) -> bool:
        """Note the key of the value that comes next; a key without a value is dropped."""
        inner = self.unclosed[-1]
        if inner.node.kind == "object":
            inner.key = key
        return inner.node.kind == "object"

    def _open(self, kind: NodeKind, start: int) -> bool:
        if len(self.unclosed) == MAX_DEPTH:
            return False
        parent_key = ""
        if self.unclosed:
            outer = self.unclosed[-1]
            if outer.node.kind == "object" and outer.key is None:
                return False
            parent_key = outer.key or outer.parent_key
        self.unclosed.append(OpenBracket(Node(kind, start, start), parent_key))
        return True

    def _close(self, kind: NodeKind, end: int) -> bool:
        """Close the innermost bracket, or also the one around it where only that is of the kind."""
        if self.unclosed[-1].node.kind != kind:
            if len(self.unclosed) == 1 or self.unclosed[-2].node.kind != kind:
                return False
            self._close_innermost(end - 1)
        self._close_innermost(end)
        return True

    def _close_innermost(self, end: int) -> None:
        node = self.unclosed.pop().node
        node.end = end
        self._add(node)

    def _add(self, node: Node) -> bool:
        if not self.unclosed:
            self.root = node
            return True
        inner = self.unclosed[-1]
        if inner.node.kind == "object" and inner.key is None:
            return False
        inner.node.items.append((inner.key or "", node))
        inner.key = None
        return True


_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unquote(text: str) -> str:
    """Undo JSON's and Python's quotes and escapes; lone surrogates become U+FFFD."""
    if text[0] in "\"'":
        text = text[1:-1]
    if "\\" not in text:
        return text

    def decode(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)

    return _ESCAPE.sub(decode, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
