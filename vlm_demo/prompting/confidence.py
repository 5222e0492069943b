"""How sure a model was of the regions in its answer, from the probabilities of their tokens."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from vlm_demo.values import Mention, ParsedPlace, Region, Reply, TextChunk

_MIN_LOGPROB = -1e4
"""Stands in for the logarithm of zero, so that sums stay finite."""


class TokenProbabilities:
    """Collects the chunks of an answer, and says how probable the tokens of any part of it were."""

    def __init__(self, prefix: str = "") -> None:
        """Begin with text that stands before the chunks and was not written by the model."""
        self._length = len(prefix)
        self._starts: list[int] = []  # of stretches of text with known tokens, in rising order
        self._ends: list[int] = []  # of the same stretches
        self._sums = [0.0]  # log-probabilities added up before each stretch, and after the last
        self._counts = [0]  # tokens added up in the same way
        self._start = self._length  # of the text since the last stretch
        self._pending: list[float] = []  # log-probabilities of tokens whose text is held back

    def add(self, chunk: TextChunk) -> None:
        """Add the next chunk."""
        self._length += len(chunk)
        self._pending += chunk.logprobs
        if self._pending and self._length > self._start:
            self._ends.append(self._length)
            self._starts.append(self._start)
            self._sums.append(self._sums[-1] + sum(map(_clamp_logprob, self._pending)))
            self._counts.append(self._counts[-1] + len(self._pending))
            self._start, self._pending = self._length, []

    def confidence_of(self, span: tuple[int, int]) -> float | None:
        """Return the geometric mean of the probabilities of the tokens that overlap a span.

        It is from 0 to 1; None: no token there is known.
        """
        start, end = span
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        count = self._counts[last] - self._counts[first] if first < last else 0
        if not count:
            return None
        return min(1.0, math.exp((self._sums[last] - self._sums[first]) / count))

    def add_confidences(self, reply: Reply) -> Reply:
        """Fill in how sure the model was of each region, and in the mean of each phrase.

        The reply's raw text is the prefix and all chunks that were added.
        """
        if not self._ends or not reply.parsed_places:
            return reply
        places = tuple(
            replace(place, confidence=self.confidence_of(place.span))
            for place in reply.parsed_places
        )
        return _with_confidences(reply, places)


def copy_confidences(old: Reply, new: Reply) -> Reply:
    """Return an answer that was read in another way, as sure of its numbers as it was before."""
    known = {place.span: place.confidence for place in old.parsed_places}
    places = tuple(replace(place, confidence=known.get(place.span)) for place in new.parsed_places)
    return _with_confidences(new, places)


def _with_confidences(reply: Reply, places: tuple[ParsedPlace, ...]) -> Reply:
    """Return a reply with these places, and what they say of its mentions."""
    reply = replace(reply, parsed_places=places)
    mentions = tuple(
        replace(mention, confidence=_mean(confidences))
        for mention, confidences in zip(reply.mentions, region_confidences(reply), strict=True)
    )
    return replace(reply, mentions=mentions)


def region_confidences(reply: Reply) -> list[tuple[float | None, ...]]:
    """Return for each mention how sure the model was of each of its regions, 0 to 1.

    A region that stands several times in the answer has several parsed places, which are taken in
    order. None: the confidence is not known.
    """
    places: defaultdict[Region, deque[ParsedPlace]] = defaultdict(deque)
    for place in reply.parsed_places:
        places[place.region].append(place)

    def next_confidence(region: Region) -> float | None:
        same = places[region]
        if not same:
            return None
        return (same.popleft() if len(same) > 1 else same[0]).confidence

    return [tuple(map(next_confidence, mention.regions)) for mention in reply.mentions]


def apply_confidence_threshold(reply: Reply, threshold: float) -> Reply:
    """Remove the regions whose confidence is below a threshold, 0 to 1; unknown ones stay.

    Every mention stays, if need be without regions, so that the others keep their colours.
    """
    mentions = tuple(
        _filter_mention(mention, confidences, threshold)
        for mention, confidences in zip(reply.mentions, region_confidences(reply), strict=True)
    )
    places = tuple(place for place in reply.parsed_places if _reaches(place.confidence, threshold))
    return replace(reply, mentions=mentions, parsed_places=places)


def drop_empty_mentions(reply: Reply) -> Reply:
    """Remove the mentions without regions."""
    return replace(reply, mentions=tuple(mention for mention in reply.mentions if mention.regions))


def _filter_mention(
    mention: Mention, confidences: Sequence[float | None], threshold: float
) -> Mention:
    kept = [
        (region, confidence)
        for region, confidence in zip(mention.regions, confidences, strict=True)
        if _reaches(confidence, threshold)
    ]
    return replace(
        mention,
        regions=tuple(region for region, _ in kept),
        confidence=_mean([confidence for _, confidence in kept]),
    )


def _reaches(confidence: float | None, threshold: float) -> bool:
    return confidence is None or confidence >= threshold


def _mean(confidences: Sequence[float | None]) -> float | None:
    known = [confidence for confidence in confidences if confidence is not None]
    return fmean(known) if known else None


def _clamp_logprob(logprob: float) -> float:
    return logprob if logprob > _MIN_LOGPROB else _MIN_LOGPROB  # also of NaN
