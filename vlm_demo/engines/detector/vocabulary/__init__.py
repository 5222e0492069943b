"""What the classes of the two nets are called, in English, Japanese and Chinese."""

from __future__ import annotations

import csv
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Language(StrEnum):
    """A language that the detector answers in, by its ISO 639-1 code."""

    ENGLISH = "en"
    JAPANESE = "ja"
    CHINESE = "zh"


@dataclass(frozen=True, slots=True)
class ClassName:
    """What a class is called in a language."""

    singular: str
    plural: str
    """The same as `singular` in Japanese and Chinese."""

    counter: str
    """The word that counts it, such as 匹 or 只; "" in English."""

    synonyms: tuple[str, ...]
    """Further words that people use for it, singular and plural."""

    @property
    def words(self) -> tuple[str, ...]:
        """All words for it."""
        return (self.singular, self.plural, *self.synonyms)


CocoClass = dict[Language, ClassName]
"""What one of COCO's classes is called in each language."""


@cache
def coco_classes() -> tuple[CocoClass, ...]:
    """Return COCO's 80 classes, in the order of the detector's outputs."""
    data = tomllib.loads(_read("coco.toml"))
    return tuple(
        {
            Language.ENGLISH: ClassName(
                row["english"], row["plural"], "", tuple(row["english_synonyms"])
            ),
            Language.JAPANESE: _without_plural(row, "japanese"),
            Language.CHINESE: _without_plural(row, "chinese"),
        }
        for row in data["class"]
    )


@cache
def imagenet_names() -> tuple[dict[Language, str], ...]:
    """Return the names of ImageNet's 1,000 classes, in the order of the classifier's outputs."""
    return tuple(
        {
            Language.ENGLISH: row["english"],
            Language.JAPANESE: row["japanese"],
            Language.CHINESE: row["chinese"],
        }
        for row in csv.DictReader(_read("imagenet.csv").splitlines())
    )


def find_class(words: str, language: Language | None = None) -> int | None:
    """Return the number of the COCO class that words name, or None.

    Capitals, accents, articles and spaces do not matter; None: in any language.
    """
    index = _index()
    key = _normalize(words)
    for one in (language,) if language else Language:
        if (one, key) in index:
            return index[one, key]
    return None


@cache
def _index() -> dict[tuple[Language, str], int]:
    return {
        (language, _normalize(word)): number
        for number, names in reversed(list(enumerate(coco_classes())))
        for language, noun in names.items()
        for word in noun.words
    }


_ARTICLE = re.compile(r"^(?:an?|the|some|any|one|this|that|these|those|my|your|all|every)\s+")


def _normalize(words: str) -> str:
    """Return words as they are compared: without capitals, accents of Latin letters, article."""
    words = unicodedata.normalize("NFKC", words).casefold().strip(" \t\n.,!?'\"“”。、「」")
    if words.isascii() or not any("\u3040" <= letter <= "\u9fff" for letter in words):
        words = "".join(
            letter
            for letter in unicodedata.normalize("NFKD", words)
            if not unicodedata.combining(letter)
        )
    return _ARTICLE.sub("", re.sub(r"[\s_-]+", " ", words))


def _without_plural(row: dict[str, str], language: str) -> ClassName:
    name = row[language]
    return ClassName(name, name, row[f"{language}_counter"], tuple(row[f"{language}_synonyms"]))


def _read(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")
