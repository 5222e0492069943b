"""Several things in the words of one search: "cat, dog" are two, each with its own result.

A comma, a semicolon or a line break separates them, in the forms of English, Chinese, Japanese and
Arabic; quotation marks keep such a character inside one thing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vlm_demo.errors import TooManyTargetsError
from vlm_demo.values import Task

TARGET_TASKS = frozenset({Task.GROUNDING, Task.DETECT})
"""Tasks whose text names what is to be found."""

MAX_TARGETS = 20
"""Largest number of things that one request may name."""

_COMMAS = "\N{COMMA}\N{FULLWIDTH COMMA}\N{IDEOGRAPHIC COMMA}\N{HALFWIDTH IDEOGRAPHIC COMMA}"
_SEMICOLONS = "\N{SEMICOLON}\N{FULLWIDTH SEMICOLON}\N{ARABIC SEMICOLON}"
_SEPARATORS = f"{_COMMAS}{_SEMICOLONS}\N{ARABIC COMMA}\n\r"
_QUOTES = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("『", "』"))
_QUOTED = "|".join(
    f"{re.escape(opening)}[^{re.escape(opening + closing)}]*{re.escape(closing)}"
    for opening, closing in _QUOTES
)
_PIECE = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<number>\d,(?=\d))|(?P<end>[{_SEPARATORS}])|.")
# An article stays where nothing is quoted after it: "the red circle" is asked for as it stands.
_WHOLLY_QUOTED = re.compile(
    rf"(?:(?:the|an|a)\s+)?(?:(?P<quoted>{_QUOTED})|'(?P<single>[^']*)')", re.IGNORECASE
)
_KANA = "\N{HIRAGANA LETTER SMALL A}-\N{HIRAGANA LETTER SMALL KE}"
_CONJUNCTION = re.compile(
    r"\s+(?:and|&)\s+"
    rf"|(?<=[^{_KANA}\s])\s*と\s*(?=\S)|(?<=\S)\s*と\s*(?=[^{_KANA}\s])"
    r"|(?<=\S)\s*和\s*(?=[^\s服尚平室食])",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|an|a)\s+")


@dataclass(frozen=True, slots=True)
class TargetList:
    """How one prompt of a family names several things."""

    instruction: str
    """The wording; "{text}" stands for the list."""

    item: str = "{text}"
    """How one of them is written; "{text}" stands for its name."""

    separator: str = ", "
    """What stands between two of them."""

    def can_list(self, names: Sequence[str]) -> bool:
        """Whether the list shows where one name ends and the next begins."""
        return self.item != "{text}" or all(self.separator.strip() not in name for name in names)

    def fill(self, names: Sequence[str]) -> str:
        """Return the instruction for these things; their names may hold "{text}" themselves."""
        items = [self.item.replace("{text}", name) for name in names]
        return self.instruction.replace("{text}", self.separator.join(items))


def read_targets(text: str) -> tuple[str, ...]:
    """Return the names of the things that a text lists: each once, without quotation marks.

    A question is one thing, whatever commas it has.

    Raises:
        TooManyTargetsError: there are more than `MAX_TARGETS`.
    """
    if text.rstrip().endswith(("?", "\N{FULLWIDTH QUESTION MARK}")):
        return tuple(filter(None, [_strip_quotes(text)]))
    names: dict[str, str] = {}
    for piece in _split(text):
        if name := _strip_quotes(piece):
            names.setdefault(_fold(name), name)
    if len(names) > MAX_TARGETS:
        raise TooManyTargetsError(
            "This lists {count} objects; the limit is {max_targets} at a time. Shorten the list.",
            count=len(names),
            max_targets=MAX_TARGETS,
        )
    return tuple(names.values())


def quote_target(name: str) -> str:
    """Write a name so that `read_targets` reads it as one thing."""
    if read_targets(name) == (name,):
        return name
    for opening, closing in _QUOTES:
        quoted = f"{opening}{name}{closing}"
        if opening not in name and closing not in name and read_targets(quoted) == (name,):
            return quoted
    return name


def split_conjunctions(text: str) -> str:
    """Put a comma for each "and", "と" and "和" between two things, outside quotation marks."""
    parts = re.split(f"({_QUOTED})", text)
    parts[::2] = [_CONJUNCTION.sub(", ", part) for part in parts[::2]]
    return "".join(parts)


def match_target(phrase: str, targets: Sequence[str]) -> str:
    """Return which of the things an answer's phrase names; "": none of them, or several.

    The phrase may be in the plural, or have other words around it.
    """
    phrase = _fold(phrase)
    by_name = {_fold(target): target for target in targets}
    if phrase in by_name:
        return by_name[phrase]
    singular = {_singular(name): target for name, target in by_name.items()}
    if (found := singular.get(_singular(phrase))) is not None:
        return found
    within = [name for name in by_name if _has_words(phrase, name) or _has_words(name, phrase)]
    within = [name for name in within if not any(name != o and _has_words(o, name) for o in within)]
    return by_name[within[0]] if len(within) == 1 else ""


def _split(text: str) -> Iterator[str]:
    piece = ""
    for match in _PIECE.finditer(text):
        if match["end"]:
            yield piece
            piece = ""
        else:
            piece += match[0]
    yield piece


def _strip_quotes(piece: str) -> str:
    """Return what a piece quotes, if it is nothing but a quotation, with an article or without."""
    piece = piece.strip()
    whole = _WHOLLY_QUOTED.fullmatch(piece)
    if whole is None:
        return piece
    inside = whole["single"] if whole["quoted"] is None else whole["quoted"][1:-1]
    return " ".join(inside.split())


def _fold(name: str) -> str:
    """Return a name in the form in which two of them are compared."""
    name = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return _ARTICLE.sub("", name.strip(" .。'\""))


def _singular(name: str) -> str:
    """Return a rough singular, good enough to compare two names."""
    for ending, replacement in (("ies", "y"), ("ches", "ch"), ("xes", "x"), ("shes", "sh")):
        if name.endswith(ending):
            return name.removesuffix(ending) + replacement
    return name.removesuffix("s") if not name.endswith("ss") else name


def _has_words(text: str, words: str) -> bool:
    """Whether a text has the words of another one in a row; Chinese and Japanese have no gaps."""
    if not words:
        return False
    if not words.isascii():
        return words in text
    inner, outer = (" ".join(map(_singular, one.split())) for one in (words, text))
    return f" {inner} " in f" {outer} "
