"""Quotes and escapes of JSON and Python, and how the end of a damaged text is found."""

from __future__ import annotations

import re

QUOTES = "\"'\u201c\u2018"
"""What opens a text: straight quotes, and curly ones as office programs make them."""

CLOSING_QUOTES = "\"'\u201d\u2019"
"""What closes a text, in the order of `QUOTES`."""

COLON = "[:\N{FULLWIDTH COLON}]"
"""What stands behind a key."""

MAX_DAMAGE = 2000
"""Characters in which the end of a damaged value is looked for."""

_KEY_AHEAD = (
    rf"(?:[{QUOTES}][^{QUOTES}{CLOSING_QUOTES}\n]{{1,40}}[{CLOSING_QUOTES}]\s{{0,9}}{COLON}"
    rf"|[A-Za-z_]\w{{0,39}}\s{{0,9}}:(?=\s{{0,9}}[{QUOTES}\[{{(0-9-]))"
)
_SPACE = r"\s{0,99}"
_AFTER_VALUE = (
    rf"(?={_SPACE}(?:\}}|,{_SPACE}(?:\}}|\{{|{_KEY_AHEAD})|{_KEY_AHEAD}"
    rf"|\]{_SPACE}(?:\Z|```|[}}\]])))"
)
_WITHOUT_QUOTE = (
    rf"(?={_SPACE}\}}?{_SPACE},{_SPACE}\{{{_SPACE}{_KEY_AHEAD}"
    rf"|,{_SPACE}{_KEY_AHEAD}"
    rf"|{_SPACE}[}}\]][\s}}\]]{{0,99}}(?:\Z|```))"
)
TEXT_END = {
    quote: re.compile(rf"\\?{closing}{_AFTER_VALUE}|{_WITHOUT_QUOTE}")
    for quote, closing in zip(QUOTES, CLOSING_QUOTES, strict=True)
}
"""Finds where a text ends that holds its own quote, a line break, or no quote at its end."""

BARE_END = re.compile(
    rf"(?={_SPACE}\}}|\n|,{_SPACE}{_KEY_AHEAD}|{_SPACE}\]{_SPACE}(?:\Z|```|[}}\]]))"
)
"""Finds where a text without quotes ends."""

NEXT_MEMBER = re.compile(rf"{_KEY_AHEAD}|[}}\]]")
"""Finds where an object goes on or ends, behind what is skipped."""

OBJECT_AHEAD = re.compile(rf"\{{\s*{_KEY_AHEAD}")
"""Matches the beginning of an object with a key."""

VALUE_AHEAD = re.compile(rf"\s*[{QUOTES}\[({{]")
"""Matches the beginning of a value that follows a key without a colon."""

BLANKS = re.compile(r"[\s,;]*")
"""Matches what stands between values."""

HALF_QUOTED_KEY = re.compile(rf"[\s,;]*(?P<key>[\w-]+)[{CLOSING_QUOTES}]\s*{COLON}")
"""Matches a key whose opening quote is missing."""

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def unquote(text: str) -> str:
    """Undo JSON's and Python's quotes and escapes."""
    return unescape(text[1:-1] if text[0] in QUOTES else text)


def unescape(text: str) -> str:
    """Undo JSON's and Python's escapes; lone surrogates become U+FFFD."""
    if "\\" not in text:
        return text

    def decode(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)

    return _ESCAPE.sub(decode, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
