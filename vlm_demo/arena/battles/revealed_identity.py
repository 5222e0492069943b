"""Whether a battle gives a model away: it named itself or its maker, or was asked to."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.families import get_family

PHRASES = Path(__file__).with_name("revealed_identity.toml")
"""File of the names and phrases that give a model away."""

_SAME_SENTENCE = r"[^.!?。\n]{0,60}?"
_QUOTED = re.compile('"[^"\n]*"|“[^”\n]*”|«[^»\n]*»|「[^」\n]*」|『[^』\n]*』')
_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc", "'''")  # as typed, and as keyboards produce them


def reveals_identity(words: str, answers: Sequence[str], specs: Iterable[ModelSpec] = ()) -> bool:
    """Whether people could recognise a model by what was asked or answered.

    A model's name in a question is a topic, such as a sign in the picture, and so it is in an
    answer that repeats it. A maker's name in a picture reveals nothing.

    Args:
        words: the questions, one line per turn.
        answers: the outputs of both models.
        specs: menu entries of the models, whose own names reveal them as well.
    """
    patterns, question = _load_patterns(), _fold(words)
    if any(patterns.asks.search(line) for line in question.splitlines()):
        return True
    own_names = _match_own_names(specs)
    for answer in map(_fold, answers):
        if patterns.says.search(answer):
            return True
        named = patterns.names.finditer(_QUOTED.sub('""', answer))
        if any(match.group() not in question for match in (*named, *own_names.finditer(answer))):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _IdentityPatterns:
    """The compiled lists of `PHRASES`."""

    names: re.Pattern[str]  # reveal a model wherever they occur
    says: re.Pattern[str]
    asks: re.Pattern[str]


@cache
def _load_patterns() -> _IdentityPatterns:
    lists = tomllib.loads(PHRASES.read_text(encoding="utf-8"))
    names = [*lists["names"], *lists["ambiguous"]]
    placeholders = {
        "~": _SAME_SENTENCE,
        "{name}": _match_any(names),
        "{who}": _match_any([*names, *lists["makers"]]),
    }

    def compile_phrases(phrases: list[str]) -> re.Pattern[str]:
        pattern = "|".join(map(_at_word_start, map(_fold, phrases)))
        for placeholder, filling in placeholders.items():
            pattern = pattern.replace(placeholder, filling)
        return re.compile(pattern, re.MULTILINE)

    return _IdentityPatterns(
        names=re.compile(_match_any(lists["names"])),
        says=compile_phrases(lists["says"]),
        asks=compile_phrases(lists["asks"]),
    )


def _match_own_names(specs: Iterable[ModelSpec]) -> re.Pattern[str]:
    """Match the names of these models; a name without a digit or two hyphens may be a word."""
    names = {
        name
        for spec in specs
        for name in (spec.name, Path(spec.checkpoint).name, get_family(spec.family).title)
        if re.search("[0-9]|-.+-", name) and re.search("[A-Za-z]{2}", name)
    }
    return re.compile(_match_any(map(re.escape, map(_fold, sorted(names)))) if names else "(?!)")


def _match_any(names: Iterable[str]) -> str:
    """Match one of these names, but not within a Latin word; a version may follow."""
    return f"(?<![a-z0-9])(?:{'|'.join(map(_fold, names))})(?![a-z])"


def _at_word_start(phrase: str) -> str:
    """Match a phrase only where its first word begins."""
    return f"(?<![a-z])(?:{phrase})"


def _fold(text: str) -> str:
    """Make text comparable: no accents, lower case, plain apostrophes, single blanks."""
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[^\S\n]+", " ", letters)
