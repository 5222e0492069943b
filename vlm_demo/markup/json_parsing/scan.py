"""Finds JSON, as models write it, in text in one pass; `json_parsing.shapes` says what it means.

It reads more than JSON: Python's quotes and words, curly quotes, keys without quotes, trailing and
missing commas, comments, round brackets, and brackets in which the output ends or breaks. A value
that is damaged costs only itself (house rule H11): texts that hold their own quotes or a line
break, texts without quotes, and missing brackets are read as they must have been meant, and the
rest of a value is skipped. Where JSON breaks, the search goes on after the break. What is looked
for ahead is bounded, so that junk takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vlm_demo.markup.json_parsing.builder import MAX_DEPTH, JsonBuilder, SearchBudget
from vlm_demo.markup.json_parsing.nodes import Node, OpenBracket, Structure
from vlm_demo.markup.json_parsing.quotes import COLON, QUOTES

__all__ = ["MAX_DEPTH", "Node", "OpenBracket", "Structure", "find_structures", "read_structure"]

_OBJECT = rf"""\{{(?=[\s,]*+(?:[{QUOTES}}}\w.+/-]|\Z))"""  # a brace that can begin an object
_MEMBER = r"""["']\w{1,30}["'](?=\s{0,9}:\s{0,9}[\[({])"""  # of an object without its braces
_BRACKET = re.compile(rf"\[|{_OBJECT}|{_MEMBER}")
_BRACKET_OR_TUPLE = re.compile(rf"\[|{_OBJECT}|{_MEMBER}|\((?=\s*[-+.0-9])")
_NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:e[+-]?[0-9]++)?+"
_CURLY = "\u201c[^\u201d\"\n]*+[\u201d\"]|\u2018[^\u2019'\n]*+[\u2019']"
_QUOTED = rf""""(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|{_CURLY}"""
_SKIPPED = r"(?:[\s,;\N{FULLWIDTH COMMA}]++|//[^\n]*+)*+"
_TOKEN = re.compile(
    rf"""{_SKIPPED}(?:
     (?P<numbers>[\[(]\s*+{_NUMBER}\s*+(?:,\s*+{_NUMBER}\s*+)*+,?\s*+[\])])
    |(?P<key>(?:{_QUOTED}|[\w.+-]++)(?=\s*+{COLON}))\s*+{COLON}
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


def find_structures(text: str, *, parentheses: bool = False) -> Iterator[Structure]:
    """Yield the JSON in a text from left to right; with `parentheses`, `(1, ..)` begins it too."""
    opening, at = _BRACKET_OR_TUPLE if parentheses else _BRACKET, 0
    budget = SearchBudget()
    while match := opening.search(text, at):
        structure = read_structure(text, match.start(), budget)
        if structure.root or structure.is_cut_off or any(map(_has_content, structure.unclosed)):
            yield structure
        at = structure.end


def _has_content(bracket: OpenBracket) -> bool:
    return bool(bracket.node.items) or bracket.key is not None


def read_structure(text: str, start: int, budget: SearchBudget | None = None) -> Structure:
    """Read from an opening bracket to its closing one, or to where it stops being JSON.

    At a quote, an object begins whose brace is missing.
    """
    if text.startswith("[]", start):
        return Structure(start, start + 2, Node("list", start, start + 2))
    scan, at = JsonBuilder(text, budget or SearchBudget()), start
    if text[start] in "\"'":
        scan.add_opening("object", start)
        scan.is_damaged = True
    while scan.root is None:
        token = _TOKEN.match(text, at)
        if token and scan.add_token(token):
            at = token.end()
        elif _UNFINISHED.match(text, at):
            scan.add_unfinished_text(at)
            return Structure(start, len(text), None, tuple(scan.unclosed), True, scan.is_damaged)
        elif (following := scan.recover(token, at)) is not None:
            at = following
            if at >= len(text) and scan.root is None:
                return Structure(start, len(text), None, tuple(scan.unclosed), True, True)
        else:
            return Structure(start, max(at, start + 1), None, tuple(scan.unclosed), False, True)
    return Structure(start, at, scan.root, is_damaged=scan.is_damaged)
