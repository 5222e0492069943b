"""How sure a model was of the places in its answer, from the probabilities of their own tokens."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from vlm_demo.values import Mention, ParsedPlace, Region, Reply, TextChunk

_LEAST_LOGPROB = -1e4
"""Stands for the logarithm of nothing: sums stay numbers."""


class TokenProbabilities:
    """Follows the pieces of an answer, and knows how probable the tokens of any part of it were."""

    def __init__(self, prefix: str = "") -> None:
        """Begin with text that stands before the pieces and was not written by the model."""
        self._length = len(prefix)
        self._ends: list[int] = []  # where stretches of text with known tokens end ...
        self._starts: list[int] = []  # ... and where they begin, in rising order
        self._sums = [0.0]  # of the log-probabilities up to each stretch
        self._counts = [0]  # of their tokens
        self._start = self._length  # of the text since the last stretch
        self._waiting: list[float] = []  # of tokens whose text is held back

    def add(self, piece: TextChunk) -> None:
        """Take in the next piece."""
        self._length += len(piece)
        self._waiting += piece.logprobs
        if self._waiting and self._length > self._start:
            self._ends.append(self._length)
            self._starts.append(self._start)
            self._sums.append(self._sums[-1] + sum(map(_finite, self._waiting)))
            self._counts.append(self._counts[-1] + len(self._waiting))
            self._start, self._waiting = self._length, []

    def of(self, span: tuple[int, int]) -> float | None:
        """Return the geometric mean for the tokens that overlap a part of the text, 0 to 1."""
        start, end = span
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        count = self._counts[last] - self._counts[first] if first < last else 0
        if not count:
            return None
        return min(1.0, math.exp((self._sums[last] - self._sums[first]) / count))

    def rate(self, reply: Reply) -> Reply:
        """Say how sure the model was of each place, and of each phrase in the mean of its places.

        The reply's raw text is all that was added.
        """
        if not self._ends or not reply.parsed_places:
            return reply
        marks = tuple(replace(mark, confidence=self.of(mark.span)) for mark in reply.parsed_places)
        rated = replace(reply, marks=marks)
        mentions = tuple(
            replace(mention, confidence=_mean(confidences))
            for mention, confidences in zip(reply.mentions, region_confidences(rated), strict=True)
        )
        return replace(rated, mentions=mentions)


def region_confidences(reply: Reply) -> list[tuple[float | None, ...]]:
    """Return for each mention how sure the model was of each of its regions.

    A region that stands several times in the answer has several marks; they are met in order.
    """
    marks: defaultdict[Region, deque[ParsedPlace]] = defaultdict(deque)
    for mark in reply.parsed_places:
        marks[mark.region].append(mark)

    def next_one(region: Region) -> float | None:
        known = marks[region]
        if not known:
            return None
        return (known.popleft() if len(known) > 1 else known[0]).confidence

    return [tuple(map(next_one, mention.regions)) for mention in reply.mentions]


def above(reply: Reply, least: float) -> Reply:
    """Leave out the places of which the model was less sure; where it is not known, they stay.

    Every mention stays, if need be without places, so that the others keep their colours.
    """
    mentions = tuple(
        _above(mention, confidences, least)
        for mention, confidences in zip(reply.mentions, region_confidences(reply), strict=True)
    )
    marks = tuple(mark for mark in reply.parsed_places if _is_above(mark.confidence, least))
    return replace(reply, mentions=mentions, marks=marks)


def placed(reply: Reply) -> Reply:
    """Leave out the mentions without places, for those who want places alone."""
    return replace(reply, mentions=tuple(mention for mention in reply.mentions if mention.regions))


def _above(mention: Mention, confidences: Sequence[float | None], least: float) -> Mention:
    kept = [
        (region, confidence)
        for region, confidence in zip(mention.regions, confidences, strict=True)
        if _is_above(confidence, least)
    ]
    return replace(
        mention,
        regions=tuple(region for region, _ in kept),
        confidence=_mean([confidence for _, confidence in kept]),
    )


def _is_above(confidence: float | None, least: float) -> bool:
    return confidence is None or confidence >= least


def _mean(confidences: Sequence[float | None]) -> float | None:
    known = [confidence for confidence in confidences if confidence is not None]
    return fmean(known) if known else None


def _finite(logprob: float) -> float:
    return logprob if logprob > _LEAST_LOGPROB else _LEAST_LOGPROB  # also of NaN
