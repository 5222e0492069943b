"""English noun phrases, by rules over closed classes and the verbs of captions.

A phrase is a run of words that belong to no closed class, and ends at a verb. A word with two
readings ("a train stands", "an umbrella stand") is decided by its neighbours: a word after an
article is a noun; a verb follows its noun and agrees with it. Limits: verbs that are not listed and
have no verb ending are taken for nouns; relative clauses are not followed, so a negation in one
counts for the main clause; a question counts as a statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from vlm_demo.analysis.phrases import english_words as lists
from vlm_demo.analysis.phrases.phrase import Phrase, Token

_TOKEN = re.compile(
    r"['’](?:s|re)\b"
    r"|[^\W\d_]+(?:[-'’](?!(?:s|re)\b)[^\W\d_]+)*"
    r"|\d+|[^\w\s]"
)
_MAX_COUNT = 50
"""Largest number that counts things; larger ones are years, prices and the like."""


@dataclass(frozen=True, slots=True)
class _EnglishToken(Token):
    @property
    def word(self) -> str:
        return self.text.casefold()


@dataclass(slots=True)
class _OpenPhrase:
    """The phrase that is being read."""

    words: list[_EnglishToken] = field(default_factory=list)
    determined: bool = False  # an article or the like comes before it
    indefinite: bool = False  # that is "a" or "an"
    other: bool = False  # "no other dogs" says nothing about the dogs in the picture
    count: int | None = None

    @property
    def is_begun(self) -> bool:
        return bool(self.words or self.determined or self.count)

    @property
    def is_adjectival(self) -> bool:
        """Whether nothing but adjectives has been read."""
        return all(_describes(token.word) for token in self.words)


def find_phrases(sentence: str) -> Iterator[Phrase]:
    """Read the phrases of a sentence."""
    return iter(_EnglishReader(sentence).read())


class _EnglishReader:
    def __init__(self, sentence: str) -> None:
        self._sentence = sentence
        self._tokens = [_EnglishToken(m[0], m.start()) for m in _TOKEN.finditer(sentence)]
        self._found: list[Phrase] = []
        self._open = _OpenPhrase()
        self._negates = False  # what follows is negated
        self._has_negated = False  # and something has been
        self._copula = False  # after "is": a word without an article is an adjective
        self._existential = False  # "there is"

    def read(self) -> list[Phrase]:
        skip = 0
        for at, token in enumerate(self._tokens):
            if skip:
                skip -= 1
            else:
                skip = self._take(at, token)
        self._close()
        return self._found

    def _take(self, at: int, token: _EnglishToken) -> int:
        """Take in one token; return how many of the following were taken in with it."""
        word, following = token.word, self._word(at + 1)
        if word in lists.NOT or (word in lists.NEGATIONS and self._is_negation(word, following)):
            self._negate(word, at)
        elif word == "of" and self._open.words:
            return self._of(at)
        elif word in lists.DETERMINERS:
            self._determine(word)
        elif (number := _number(word)) is not None and not self._open.words:
            self._open.count = number if number > 1 else None
            self._open.determined = True
        elif word in ("and", ",", "or", "-", "/") and self._joins_adjectives(following):
            pass  # "black and white cat"
        elif not token.text[0].isalpha():
            self._punctuate(word, following)
        elif self._is_closed(word):
            self._pass(word, following)
        elif self._is_verb(at, word, following):
            self._close()
            self._copula, self._negates = False, self._negates and not self._has_negated
        elif len(word) > 1:
            self._open.words.append(token)
        return 0

    def _word(self, at: int) -> str:
        return self._tokens[at].word if 0 <= at < len(self._tokens) else ""

    def _is_negation(self, word: str, following: str) -> bool:
        return not (word == "no" and (following in (",", "", ".", "longer", "doubt")))

    def _negate(self, word: str, at: int) -> None:
        self._close()
        rest = [self._word(at + 1), self._word(at + 2)]
        if word in lists.NEGATIONS:
            self._start_negating()
            self._copula, self._open.determined = False, True
        elif rest[0] in ("only", "just", "necessarily"):
            pass
        elif set(rest) & {"visible", "present", "there", "shown", "seen", "pictured", "depicted"}:
            self._negate_subject()
        elif rest[0] not in lists.PREPOSITIONS:
            self._start_negating()
        if word in lists.BE:
            self._copula = True

    def _start_negating(self) -> None:
        self._negates, self._has_negated = True, False

    def _negate_subject(self) -> None:
        """Negate the phrase that the clause is about: "a zebra is not visible"."""
        if self._found:
            last = self._found[-1]
            self._found[-1] = Phrase(
                last.text, last.span, "en", negated=True, count=last.count, plural=last.plural
            )

    def _determine(self, word: str) -> None:
        self._close()
        self._open.determined = True
        self._open.indefinite = word in ("a", "an")
        self._open.other = word == "other" and self._negates

    def _of(self, at: int) -> int:
        """Take in "of" where the phrase continues after it."""
        head = self._open.words[-1].word
        if head in lists.QUANTITIES:
            self._open = _OpenPhrase(determined=True, count=lists.QUANTITIES[head])
        elif head in lists.HOLDERS and not self._is_closed(self._word(at + 1)):
            self._open.words.append(self._tokens[at])
        else:
            self._close()
            self._negates = False
        return 0

    def _joins_adjectives(self, following: str) -> bool:
        return bool(self._open.words) and self._open.is_adjectival and _describes(following)

    def _punctuate(self, word: str, following: str) -> None:
        self._close()
        if word == "," and self._negates and following not in lists.DETERMINERS:
            return  # "no dogs, cats or birds"
        if word not in ("'s", "’s", "'re", "’re"):
            self._negates = self._copula = self._existential = False

    def _is_closed(self, word: str) -> bool:
        return (
            word in lists.CLOSED
            or word in lists.PREPOSITIONS
            or word in lists.BE
            or (word.endswith("ly") and word not in lists.NOT_VERBS | lists.ADJECTIVES)
        )

    def _pass(self, word: str, following: str) -> None:
        """Pass a word that belongs to no phrase."""
        if word.endswith("ly") and self._open.is_begun and not self._open.words:
            return  # "a brightly painted boat"
        if word in ("very", "quite", "rather") and self._open.is_begun:
            return
        self._close()
        self._copula = word in lists.BE or (self._copula and word in ("very", "quite", "too"))
        self._existential = word == "there" or (self._existential and word in lists.BE)
        if word not in ("or", "nor"):
            self._negates = self._negates and not self._has_negated

    def _is_verb(self, at: int, word: str, following: str) -> bool:
        """Whether a word is the verb of its clause, by its form and its neighbours."""
        if word in lists.NOT_VERBS or word in lists.ADJECTIVES:
            return False
        goes_on = self._goes_on(following)
        if word.endswith("ing") and len(word) > 4:
            return not (self._open.is_begun and self._open.is_adjectival and goes_on)
        if word.endswith("ed") or word in lists.PAST:
            return not (self._open.is_adjectival and goes_on and word not in ("left", "saw"))
        if not self._open.words:
            # After an article or a number it is a noun; at the beginning, or after "who", a verb.
            return word in lists.BASE_VERBS | lists.THIRD_PERSON and not self._open.determined
        last = _head(self._open.words)
        if self._open.is_adjectival:
            return False
        if word in lists.THIRD_PERSON:
            return not _is_plural(last) and not goes_on
        return word in lists.BASE_VERBS and _is_plural(last) and not goes_on

    def _goes_on(self, following: str) -> bool:
        """Whether a word can belong to the same phrase as the one before it."""
        return (
            following[:1].isalpha()
            and following not in lists.DETERMINERS
            and following not in lists.NEGATIONS
            and following not in lists.NOT
            and following not in lists.NUMBERS
            and not self._is_closed(following)
            and (not following.endswith("ing") or following in lists.NOT_VERBS)
        )

    def _close(self) -> None:
        """End the phrase that is being read, and keep it where it names a thing."""
        done, self._open = self._open, _OpenPhrase()
        words = done.words
        while words and words[-1].word == "of":
            words.pop()
        if not words:
            return
        if not self._names_a_thing(done):
            if self._negates and not _is_abstract(words):
                self._negates = False  # "not red"
            return
        start, end = words[0].start, words[-1].end
        self._found.append(
            Phrase(
                " ".join(self._sentence[start:end].split()),
                (start, end),
                "en",
                negated=self._negates,
                count=done.count,
                plural=_is_plural(_head(words)),
            )
        )
        self._copula, self._has_negated = False, True

    def _names_a_thing(self, done: _OpenPhrase) -> bool:
        if done.other or _is_abstract(done.words):
            return False
        if done.is_adjectival:
            return done.indefinite and done.words[-1].word == "orange"
        adjective = self._copula and not self._existential and not done.determined
        return not adjective or _is_plural(done.words[-1].word) or len(done.words) > 1


def _number(word: str) -> int | None:
    if word.isdecimal():
        return int(word) if len(word) < 3 and int(word) <= _MAX_COUNT else None
    return lists.NUMBERS.get(word)


def _describes(word: str) -> bool:
    return word in lists.ADJECTIVES or all(
        part in lists.ADJECTIVES for part in re.split("[-,]", word)
    )


def _is_abstract(words: Sequence[_EnglishToken]) -> bool:
    return _head(words) in lists.ABSTRACT


def _head(words: Sequence[_EnglishToken]) -> str:
    """Return the word that a phrase is about: the last one, or the one before "of"."""
    texts = [token.word for token in words]
    return texts[texts.index("of") - 1] if "of" in texts[1:] else texts[-1]


def _is_plural(word: str) -> bool:
    return word in lists.PLURALS or (word.endswith("s") and not word.endswith(("ss", "us", "is")))
