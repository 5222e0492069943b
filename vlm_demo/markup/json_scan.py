"""JSON as models write it, found in text in one pass; what it means is not known here.

Read besides JSON itself: Python's quotes and words, keys without quotes, trailing and missing
commas, comments, round brackets, a closing bracket too few, and brackets that the output ends or
breaks in. Where JSON breaks, the search for more goes on behind the break, so that junk takes
linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

MAX_DEPTH = 40
"""Of brackets in brackets; deeper ones are junk."""

Kind = Literal["object", "list", "numbers", "text", "number", "nothing"]
"""Lists of nothing but numbers are a kind of their own: they are what there is most of."""


@dataclass(slots=True)
class Node:
    """A value and where it stands; "nothing" is null, NaN or a truth value."""

    kind: Kind
    start: int
    end: int
    text: str = ""  # of texts, without quotes and escapes, and of numbers and lists of numbers
    items: list[tuple[str, Node]] = field(default_factory=list)  # the keys in lists are ""


@dataclass(slots=True)
class Bracket:
    """A bracket that is not closed yet, with what is complete in it."""

    node: Node
    under: str  # the nearest key above it
    key: str | None = None  # in an object, while its value is awaited


@dataclass(slots=True)
class Structure:
    """Brackets in a text that are JSON (`root`), or were until they broke (`unclosed`)."""

    start: int
    end: int
    root: Node | None
    unclosed: tuple[Bracket, ...] = ()  # outermost first
    is_cut_off: bool = False  # by the end of the text


def structures(text: str, *, parentheses: bool = False) -> Iterator[Structure]:
    """Find the JSON in a text from left to right; with `parentheses`, `(1, ..)` begins it too."""
    opening, at = _BRACKET_OR_TUPLE if parentheses else _BRACKET, 0
    while match := opening.search(text, at):
        structure = structure_at(text, match.start())
        if structure.root or structure.is_cut_off or any(map(_holds, structure.unclosed)):
            yield structure
        at = structure.end


def _holds(bracket: Bracket) -> bool:
    return bool(bracket.node.items) or bracket.key is not None


_OBJECT = r"""\{(?=[\s,]*+(?:["'}\w.+/-]|\Z))"""  # what cannot go on as one is passed over
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
_OPENS: dict[str, Kind] = {"[": "list", "(": "list", "{": "object"}
_CLOSES: dict[str, Kind] = {"]": "list", ")": "list", "}": "object"}


def structure_at(text: str, start: int) -> Structure:
    """Read from an opening bracket to its closing one, or to where it is no JSON any more."""
    if text.startswith("[]", start):
        return Structure(start, start + 2, Node("list", start, start + 2))
    scan, at = _Scan(), start
    while scan.root is None:
        token = _TOKEN.match(text, at)
        if token is None or not scan.take(token):
            is_cut_off = _UNFINISHED.match(text, at) is not None
            end = len(text) if is_cut_off else max(at, start + 1)
            return Structure(start, end, None, tuple(scan.unclosed), is_cut_off)
        at = token.end()
    return Structure(start, at, scan.root)


@dataclass(slots=True)
class _Scan:
    unclosed: list[Bracket] = field(default_factory=list)
    root: Node | None = None

    def take(self, token: re.Match[str]) -> bool:
        """Add a token; False if it does not belong here."""
        kind = token.lastgroup or ""
        text = token[kind]
        if kind == "mark":
            if text in _OPENS:
                return self._opened(_OPENS[text], token.start(kind))
            return self._closed(_CLOSES[text], token.end())
        if kind == "key":
            return self._keyed(_unquoted(text))
        start, end = token.span(kind)
        match kind:
            case "text":
                return self._added(Node("text", start, end, _unquoted(text)))
            case "numbers" | "number" | "nothing":
                return self._added(Node(kind, start, end, text))
        return False

    def _keyed(self, key: str) -> bool:
        """Note the key of the value to come; one without a value is dropped."""
        inner = self.unclosed[-1]
        if inner.node.kind == "object":
            inner.key = key
        return inner.node.kind == "object"

    def _opened(self, kind: Kind, start: int) -> bool:
        if len(self.unclosed) == MAX_DEPTH:
            return False
        under = ""
        if self.unclosed:
            outer = self.unclosed[-1]
            if outer.node.kind == "object" and outer.key is None:
                return False
            under = outer.key or outer.under
        self.unclosed.append(Bracket(Node(kind, start, start), under))
        return True

    def _closed(self, kind: Kind, end: int) -> bool:
        """Close the innermost bracket, and the one around it if only that one is of this kind."""
        if self.unclosed[-1].node.kind != kind:
            if len(self.unclosed) == 1 or self.unclosed[-2].node.kind != kind:
                return False
            self._close(end - 1)
        self._close(end)
        return True

    def _close(self, end: int) -> None:
        node = self.unclosed.pop().node
        node.end = end
        self._added(node)

    def _added(self, node: Node) -> bool:
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


def _unquoted(text: str) -> str:
    """Undo JSON's and Python's quotes and escapes; half characters become U+FFFD."""
    if text[0] in "\"'":
        text = text[1:-1]
    if "\\" not in text:
        return text

    def letter(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)

    return _ESCAPE.sub(letter, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
