"""Whether a battle gave a model away: it said its name or its maker's, or was asked for them."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vlm_demo.catalog.menu import ModelSpec
from vlm_demo.families import get_family

PHRASES = Path(__file__).with_name("model_identity.toml")

_SAME_SENTENCE = r"[^.!?。\n]{0,60}?"
_QUOTED = re.compile('"[^"\n]*"|“[^”\n]*”|«[^»\n]*»|「[^」\n]*」|『[^』\n]*』')
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc", "'''")  # as typed, and as keyboards make them


def leak(words: str, answers: Sequence[str], specs: Iterable[ModelSpec] = ()) -> bool:
    """Whether people could know a model from what was asked or answered.

    A model's name in a question is a thing to talk about, such as a sign in the picture, and so is
    what an answer repeats of it. What is on the picture tells nothing, whoever made it.

    Args:
        words: what was asked, a line a turn.
        answers: what both models wrote.
        specs: the menu's entries of the models, whose own names tell, too.
    """
    phrases, asked = _phrases(), _folded(words)
    if any(phrases.asks.search(line) for line in asked.splitlines()):
        return True
    own = _own_names(specs)
    for answer in map(_folded, answers):
        if phrases.says.search(answer):
            return True
        for match in (*phrases.names.finditer(_QUOTED.sub('""', answer)), *own.finditer(answer)):
            if match.group() not in asked:
                return True
    return False


@dataclass(frozen=True, slots=True)
class _Phrases:
    names: re.Pattern[str]  # tell wherever they stand
    says: re.Pattern[str]
    asks: re.Pattern[str]


@cache
def _phrases() -> _Phrases:
    lists = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    names = [*lists["names"], *lists["ambiguous"]]
    holes = {"~": _SAME_SENTENCE, "{name}": _any(names), "{who}": _any([*names, *lists["makers"]])}

    def compiled(phrases: list[str]) -> re.Pattern[str]:
        pattern = "|".join(map(_bounded, map(_folded, phrases)))
        for hole, filling in holes.items():
            pattern = pattern.replace(hole, filling)
        return re.compile(pattern, re.MULTILINE)

    return _Phrases(
        names=re.compile(_any(lists["names"])),
        says=compiled(lists["says"]),
        asks=compiled(lists["asks"]),
    )


def _own_names(specs: Iterable[ModelSpec]) -> re.Pattern[str]:
    """What finds the names of two models; those without a number or two hyphens may be words."""
    given = {
        name
        for spec in specs
        for name in (spec.name, Path(spec.checkpoint).name, get_family(spec.family).title)
        if re.search("[0-9]|-.+-", name) and re.search("[A-Za-z]{2}", name)
    }
    return re.compile(_any(map(re.escape, map(_folded, sorted(given)))) if given else "(?!)")


def _any(names: Iterable[str]) -> str:
    """Match one of some names, but no part of a Latin word; a version may follow."""
    return f"(?<![a-z0-9])(?:{'|'.join(map(_folded, names))})(?![a-z])"


def _bounded(phrase: str) -> str:
    """Match a phrase only where its first word begins."""
    return f"(?<![a-z])(?:{phrase})"


def _folded(text: str) -> str:
    """Make text comparable: no accents, small letters, usual apostrophes, single blanks."""
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[^\S\n]+", " ", letters)
