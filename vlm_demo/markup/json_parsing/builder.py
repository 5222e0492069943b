"""Builds a JSON value from its tokens, and goes on behind what is damaged (house rule H11)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vlm_demo.markup.json_parsing.nodes import Node, NodeKind, OpenBracket
from vlm_demo.markup.json_parsing.quotes import (
    BARE_END,
    BLANKS,
    CLOSING_QUOTES,
    HALF_QUOTED_KEY,
    MAX_DAMAGE,
    NEXT_MEMBER,
    OBJECT_AHEAD,
    QUOTES,
    TEXT_END,
    VALUE_AHEAD,
    unescape,
    unquote,
)

MAX_DEPTH = 40
"""Largest depth of brackets in brackets; deeper ones are junk."""

OPENS: dict[str, NodeKind] = {"[": "list", "(": "list", "{": "object"}
CLOSES: dict[str, NodeKind] = {"]": "list", ")": "list", "}": "object"}


@dataclass(slots=True)
class SearchBudget:
    """How often the end of damage may be looked for in vain, so that junk takes linear time."""

    left: int = 20

    def search(self, pattern: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
        """Search in the next `MAX_DAMAGE` characters, while anything is left."""
        found = pattern.search(text, start, start + MAX_DAMAGE) if self.left else None
        if found is None and self.left:
            self.left -= 1
        return found


@dataclass(slots=True)
class JsonBuilder:
    """Builds a value from its tokens."""

    text: str
    budget: SearchBudget
    unclosed: list[OpenBracket] = field(default_factory=list)
    root: Node | None = None
    is_damaged: bool = False

    _loose: Node | None = None
    """A list of numbers whose opening bracket is missing, while its closing one may come."""

    def add_token(self, token: re.Match[str]) -> bool:
        """Add a token; return False if it does not belong here."""
        kind = token.lastgroup or ""
        text = token[kind]
        if kind == "mark":
            if text in OPENS:
                return self.add_opening(OPENS[text], token.start(kind))
            return self._close(CLOSES[text], token.end())
        if kind == "key":
            return self._set_key(unquote(text))
        start, end = token.span(kind)
        match kind:
            case "text":
                return self._add(Node("text", start, end, unquote(text)))
            case "numbers" | "number" | "nothing":
                return self._add(Node(kind, start, end, text))
        return False

    def _set_key(self, key: str) -> bool:
        """Note the key of the value that comes next; a key without a value is dropped."""
        inner = self.unclosed[-1]
        if inner.node.kind == "object":
            inner.key = key
        return inner.node.kind == "object"

    def add_opening(self, kind: NodeKind, start: int) -> bool:
        """Open a bracket, if a value can stand here."""
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
        if self._loose is not None and kind == "list":
            self._loose = None
            return True
        if self.unclosed[-1].node.kind != kind:
            if len(self.unclosed) == 1 or self.unclosed[-2].node.kind != kind:
                return False
            if self.text[end : end + 1] in QUOTES and end < len(self.text):
                return False  # a bracket inside a text with quotes of its own
            self._close_innermost(end - 1)
        self._close_innermost(end)
        return True

    def _close_innermost(self, end: int) -> None:
        node = self.unclosed.pop().node
        node.end = end
        self._loose = None
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

    def add_unfinished_text(self, at: int) -> None:
        """Add the text in which the output ends, as far as it is written."""
        inner = self.unclosed[-1] if self.unclosed else None
        if inner is None or inner.node.kind != "object" or inner.key is None:
            return
        blanks = BLANKS.match(self.text, at)
        start = blanks.end() if blanks else at
        if self.text[start : start + 1] in ('"', "'"):
            words = self.text[start + 1 :].rstrip("}] \n").rstrip("\\\"'")
            self._add(Node("text", start, len(self.text), unescape(words)))

    def recover(self, token: re.Match[str] | None, at: int) -> int | None:
        """Go on behind damage, so that it costs no more than one value.

        Returns where the next token is looked for, always behind `at` unless a bracket was closed
        or a text made longer; None: what follows is no part of this JSON.
        """
        if not 0 < len(self.unclosed) < MAX_DEPTH:
            return None
        self.is_damaged = True
        if self.unclosed[-1].node.kind == "list":
            return self._recover_in_list(token, at)
        if self.unclosed[-1].key is not None:
            return self._recover_value(at)
        return self._recover_member(token, at)

    def _recover_in_list(self, token: re.Match[str] | None, at: int) -> int | None:
        outer = self.unclosed[-2] if len(self.unclosed) > 1 else None
        if token and token.lastgroup == "key":
            if outer and outer.node.kind == "object":  # "bbox_2d": [1, 2, 3, 4, "label": ..
                self._close_innermost(token.start("key"))
            elif token["key"][0] in QUOTES:  # ["bbox_2d": ..
                if not self.add_opening("object", token.start("key")):
                    return None
            else:
                return None
            self._set_key(unquote(token["key"]))
            return token.end()
        has_objects = any(item.kind == "object" for _, item in self.unclosed[-1].node.items)
        if token and token.lastgroup == "mark" and token["mark"] == "}":
            return token.end() if has_objects else None  # one brace too many
        if not (has_objects or (outer and outer.node.kind == "object")):
            return None
        following = self._skip_to_member(at)
        if following is not None:
            self._add(Node("nothing", at, following))
        return following

    def _recover_value(self, at: int) -> int | None:
        """Read a text that is not closed on its line, or stands without quotes."""
        blanks = BLANKS.match(self.text, at)
        start = blanks.end() if blanks else at
        quote = self.text[start : start + 1]
        if quote in TEXT_END:
            return self._add_damaged_text(quote, start)
        end = self.budget.search(BARE_END, self.text, start)
        if end is None:
            return len(self.text) if len(self.text) - start < MAX_DAMAGE else None
        words = self.text[start : end.start()].strip(f" \t{QUOTES}{CLOSING_QUOTES}")
        if end.start() == start:
            self.unclosed[-1].key = None  # a key without a value
            return start if self.text[start : start + 1] in "}]" else start + 1
        self._add(Node("text", start, end.start(), words))
        return end.start()

    def _add_damaged_text(self, quote: str, start: int) -> int | None:
        """Add a text from its opening quote to where it must end."""
        end = self.budget.search(TEXT_END[quote], self.text, start + 1)
        if end is None:
            if len(self.text) - start >= MAX_DAMAGE:
                return None
            self._add(Node("text", start, len(self.text), unescape(self.text[start + 1 :])))
            return len(self.text)
        words = self.text[start + 1 : end.start()]
        self._add(Node("text", start, end.end(), unescape(words)))
        return end.end()

    def _recover_member(self, token: re.Match[str] | None, at: int) -> int | None:
        """Go on in an object where neither a key nor its end comes next."""
        inner = self.unclosed[-1]
        last_key, last = inner.node.items[-1] if inner.node.items else ("", None)
        kind = token.lastgroup if token else ""
        if token and token[0].endswith("{") and OBJECT_AHEAD.match(self.text, token.start("mark")):
            return self._begin_next_object(token)
        if last and last.kind == "text":
            inner.node.items.pop()
            inner.key = last_key
            if self.text[last.start : last.start + 1] in TEXT_END:
                return self._lengthen(last, at)
            inner.key = None
            inner.node.items.append((last_key, last))
        if token and last and kind in ("number", "numbers"):
            self._lengthen_numbers(last_key, last, token)
            return token.end()
        if key := HALF_QUOTED_KEY.match(self.text, at):
            self._set_key(key["key"])
            return key.end()
        if token and kind == "text" and VALUE_AHEAD.match(self.text, token.end()):
            self._set_key(unquote(token["text"]))  # a key without its colon
            return token.end()
        return self._skip_to_member(at)

    def _skip_to_member(self, at: int) -> int | None:
        following = self.budget.search(NEXT_MEMBER, self.text, at)
        if following is None or following[0] in ("}", "]"):
            return following.start() if following and following.start() > at else None
        if following.start() > at or self.unclosed[-1].node.kind == "list":
            return following.start() if following.start() > at else None
        key = following[0].rstrip(" \t\n:\N{FULLWIDTH COLON}")
        self._set_key(key.strip(QUOTES + CLOSING_QUOTES))
        return following.end()

    def _begin_next_object(self, token: re.Match[str]) -> int | None:
        """Close an object whose brace is missing before the next one begins."""
        start = token.start("mark")
        self._close_innermost(start)
        if not self.unclosed:
            return start  # that was all of it
        return token.end() if self.add_opening("object", start) else None

    def _lengthen(self, last: Node, at: int) -> int | None:
        """Let the last text of an object end where it must, in spite of its own quotes."""
        before = last.end
        inner = self.unclosed[-1]
        key = inner.key or ""
        end = self._add_damaged_text(self.text[last.start], last.start)
        if end is None or end == before:
            if end is None:
                inner.node.items.append((key, last))
                inner.key = None
            return self._skip_to_member(max(at, before))
        return end

    def _lengthen_numbers(self, key: str, last: Node, token: re.Match[str]) -> None:
        """Make one list of numbers that stand side by side without their brackets."""
        items = self.unclosed[-1].node.items
        kind = token.lastgroup or ""
        start, end = token.span(kind)
        number = Node("numbers" if kind == "numbers" else "number", start, end, token[kind])
        if last is not self._loose:
            self._loose = Node("list", last.start, end, items=[("", last)])
            items[-1] = (key, self._loose)
        self._loose.items.append(("", number))
        self._loose.end = end
