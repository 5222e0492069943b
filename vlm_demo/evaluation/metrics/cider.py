"""CIDEr-D, the score of COCO captions (https://arxiv.org/abs/1411.5726).

It equals `Cider` of pycocoevalcap 1.2, whose words come from the PTB tokeniser of Stanford's
CoreNLP, a Java program. `caption_words` stands for it here: it gives the same words for plain
English sentences, and may differ for rare signs.

How much a phrase counts follows from how many pictures of the set it describes. A part of a set
therefore has other scores than the whole set.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST = 4
"""Phrases of one word to this many are compared."""

SIGMA = 6.0
"""Standard deviation of the penalty for another length, in pairs of words."""

_WORD = re.compile(
    r"(?:[a-z]\.){2,}|(?:mr|mrs|ms|dr|st|jr|sr|vs|etc|prof)\."  # abbreviations keep their periods
    r"|\d+(?:[.,:/]\d+)*(?:-\w+)*(?!\w)"  # numbers
    r"|o'clock|n't|\w+(?:[-/]\w+)*"
    r"|'\w+"  # the ends of "it's" and "we're"
    r"|[^\s\w]"
)

_ENDINGS = re.compile(r"(\w+?)(n't|'s|'re|'ve|'ll|'d|'m)\b")

_JOINED = re.compile(r"\b(gon|wan|got|can|gim|lem)(na|ta|not|me)\b")
"""Two words written as one, which PTB parts: "gonna", "wanna", "gotta", "cannot"."""

_BRACKETS = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
}
"""PTB's words for brackets. pycocoevalcap means to drop them, but knows them in capitals only."""

_PLAIN_QUOTES = str.maketrans("‘’“”", "''\"\"")

_PUNCTUATION = frozenset("'`.?!,:-;\"–—…")
"""Signs that pycocoevalcap drops from the words."""

_Ngram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Vector:
    """A caption as the weights of its phrases."""

    weights: tuple[Mapping[_Ngram, float], ...]  # of one word, of two, and so on
    norms: tuple[float, ...]
    pairs: int  # how many phrases of two words it has


def cider(answers: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Return the score of each picture's caption, 0 to 10; their mean is that of the set.

    Published figures are these times 100.

    Args:
        answers: one caption for each picture.
        references: the captions of people for each picture, at least one.
    """
    truths = [[_count_ngrams(caption_words(text)) for text in texts] for texts in references]
    frequency = Counter(ngram for counts in truths for ngram in set().union(*counts))
    log_size = math.log(len(truths)) if truths else 0.0
    scores = []
    for answer, counts in zip(answers, truths, strict=True):
        candidate = _weigh(_count_ngrams(caption_words(answer)), frequency, log_size)
        similar = [_compare(candidate, _weigh(one, frequency, log_size)) for one in counts]
        scores.append(10 * sum(similar) / len(similar))
    return scores


def caption_words(text: str) -> list[str]:
    """Return the words of an English caption in lower case, without punctuation."""
    parted = _ENDINGS.sub(r"\1 \2", text.lower().translate(_PLAIN_QUOTES))
    parted = _JOINED.sub(r"\1 \2", parted)
    words = (_BRACKETS.get(word, word) for word in _WORD.findall(parted))
    return [word for word in words if word not in _PUNCTUATION]


def _count_ngrams(words: Sequence[str]) -> Counter[_Ngram]:
    return Counter(
        tuple(words[start : start + length])
        for length in range(1, LONGEST + 1)
        for start in range(len(words) - length + 1)
    )


def _weigh(counts: Counter[_Ngram], frequency: Mapping[_Ngram, int], log_size: float) -> _Vector:
    weights: tuple[dict[_Ngram, float], ...] = tuple({} for _ in range(LONGEST))
    for ngram, count in counts.items():
        rarity = log_size - math.log(max(1, frequency.get(ngram, 0)))
        weights[len(ngram) - 1][ngram] = count * rarity
    norms = tuple(math.sqrt(sum(value**2 for value in own.values())) for own in weights)
    pairs = sum(count for ngram, count in counts.items() if len(ngram) == 2)
    return _Vector(weights, norms, pairs)


def _compare(candidate: _Vector, reference: _Vector) -> float:
    """Return the mean over the lengths of the clipped cosine, less for another length."""
    total = 0.0
    for length in range(LONGEST):
        own, other = candidate.weights[length], reference.weights[length]
        product = sum(
            min(value, other[ngram]) * other[ngram]
            for ngram, value in own.items()
            if ngram in other
        )
        norm = candidate.norms[length] * reference.norms[length]
        total += product / norm if norm else product
    difference = candidate.pairs - reference.pairs
    penalty = math.exp(-(difference**2) / (2 * SIGMA**2))
    return penalty * total / LONGEST
