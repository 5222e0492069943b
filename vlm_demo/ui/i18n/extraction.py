"""Finds the texts of the page for Babel, whose settings are in `pyproject.toml`.

In Python these are the first arguments of `say`, `message`, `TranslatableText` and of errors, and
HTML with `data-say`; in TOML, the values of some keys. Babel finds those in scripts by itself.
Source of the interface: https://babel.pocoo.org/en/latest/messages.html#writing-extraction-methods
"""

from __future__ import annotations

import ast
import builtins
import html
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

Found = tuple[int, None, str, list[str]]
"""The line of a text, the text, and no function and comments."""

MARKERS = frozenset({"say", "message", "TranslatableText"})
"""Functions and classes whose first argument is a text; errors are others."""

_WORD = re.compile("[A-Za-z]{2}")

_MARKED_TAG = re.compile(r'<(?:[a-z]|\{\})[^<>]*?\sdata-say(?:="([^"]*)")?[^<>]*>([^<]*)')
"""Matches an opening tag with `data-say`, and the text behind it."""


def extract_python(file: BinaryIO, *_: object, **__: object) -> Iterator[Found]:
    """Yield the texts of a module."""
    tree = ast.parse(file.read())
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
    parts = {id(part) for string in strings for part in string.values}  # not texts by themselves
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_marker(node.func) and node.args:
            if text := _constant(node.args[0]):
                yield node.lineno, None, text, []
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in parts:
            for text in _texts_to_translate(_flatten(node)):
                yield node.lineno, None, text, []


def extract_toml(file: BinaryIO, *_: object, options: Mapping[str, str]) -> Iterator[Found]:
    """Yield the values of some keys, which the options name with spaces between.

    Of `keys`, these are all values with words in them; of `phrases`, those that begin with a small
    letter, as names do not.
    """
    content = tomllib.load(file)
    for text in _values(content, options["keys"].split()):
        if _WORD.search(text):
            yield 1, None, text, []
    for text in _values(content, options.get("phrases", "").split()):
        if text[0].islower():
            yield 1, None, text, []


def _is_marker(function: ast.expr) -> bool:
    """Whether a function's first argument is a text: one that marks it, or an error of ours."""
    if not isinstance(function, ast.Name):
        return False
    is_error = function.id.endswith("Error") and not hasattr(builtins, function.id)
    return function.id in MARKERS or is_error


def _constant(node: ast.expr) -> str:
    """Return a string as it is written there; "" for any other expression."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _flatten(node: ast.Constant | ast.JoinedStr) -> str:
    """Return a string with {} for its values."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(_constant(part) or "{}" for part in node.values)


def _texts_to_translate(content: str) -> Iterator[str]:
    """Yield the texts and attributes that HTML marks, except those that come from values."""
    for tag in _MARKED_TAG.finditer(content):
        for name in (tag[1] or "text").split():
            attribute = re.search(rf'\s{name}="([^"]*)"', tag[0])
            text = tag[2] if name == "text" else attribute[1] if attribute else ""
            if _WORD.search(text) and "{" not in text:
                yield html.unescape(" ".join(text.split()))


def _values(content: object, keys: Collection[str]) -> Iterator[str]:
    """Yield the strings under some keys of nested tables, and in lists under them."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key in keys:
                yield from _strings(value)
            else:
                yield from _values(value, keys)
    elif isinstance(content, list):
        for item in content:
            yield from _values(item, keys)


def _strings(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and one:
            yield one
