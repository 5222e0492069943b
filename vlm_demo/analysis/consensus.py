"""Consensus: what several models see where, and where they differ.

Places of different models are one thing where they overlap enough and carry the same phrase. No
model is taken for the truth: what few of them see comes first, for a person to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum
from statistics import fmean
from typing import TypedDict

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, VlmDemoError
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.values import Box, Reply, Request, Size, Task, bounding_box

FEWEST, MOST = 2, 6
"""Models that are asked at a time."""

SAME = 0.5
"""IoU from which on two boxes are the same thing."""

_ARTICLE = re.compile(r"^(?:an image of\s+)?(?:an?|the|some)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Voice:
    """What one of the models says."""

    model: str
    reply: Reply | None = None  # None: nothing yet, or it failed
    error: str = ""  # why it failed, in words for people


@dataclass(frozen=True, slots=True)
class Sighting:
    """A place that one of the models names."""

    voice: int  # index of the model
    phrase: str
    box: Box  # around the place, where that is a point or an outline
    confidence: float | None = None  # 0 to 1


@dataclass(frozen=True, slots=True)
class Group:
    """One thing: sightings of it, at most one of each model, in the order of the models."""

    sightings: tuple[Sighting, ...]

    @property
    def phrase(self) -> str:
        """What the first model calls it."""
        return self.sightings[0].phrase

    @property
    def voices(self) -> tuple[int, ...]:
        """The models that see it."""
        return tuple(sighting.voice for sighting in self.sightings)

    @property
    def iou(self) -> float:
        """Mean IoU over all pairs of its boxes; 1 where there is only one."""
        boxes = [sighting.box for sighting in self.sightings]
        pairs = [a.iou(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
        return fmean(pairs) if pairs else 1.0


@dataclass(frozen=True, slots=True)
class Consensus:
    """What the models see, compared."""

    voices: tuple[Voice, ...]
    groups: tuple[Group, ...]  # those that the fewest models see first; then by falling overlap
    agreement: tuple[
        tuple[float | None, ...], ...
    ]  # of model x model, in the order of `voices`; None: with itself, or one has not answered

    @property
    def answered(self) -> int:
        """How many models have answered."""
        return sum(voice.reply is not None for voice in self.voices)

    def disputed(self, group: Group) -> bool:
        """Whether a model that has answered does not see a thing."""
        return len(group.sightings) < self.answered


def compare(voices: Sequence[Voice], task: Task) -> Consensus:
    """Group the places of several answers, and say how far every two models agree."""
    seen = [list(_sightings(index, voice, task)) for index, voice in enumerate(voices)]
    groups = grouped([sighting for own in seen for sighting in own])
    agreement = tuple(
        tuple(
            agreement_of(one, other) if voices[a].reply and voices[b].reply and a != b else None
            for b, other in enumerate(seen)
        )
        for a, one in enumerate(seen)
    )
    ordered = sorted(groups, key=lambda group: (len(group.sightings), group.iou))
    return Consensus(tuple(voices), tuple(ordered), agreement)


def _sightings(index: int, voice: Voice, task: Task) -> Iterator[Sighting]:
    if voice.reply is None:
        return
    for mention, sure in zip(voice.reply.mentions, region_confidences(voice.reply), strict=True):
        # A search is for one thing, whatever each model calls it.
        phrase = "" if task is Task.GROUNDING else bare(mention.phrase)
        for region, confidence in zip(mention.regions, sure, strict=True):
            yield Sighting(index, phrase, bounding_box(region), confidence)


def bare(phrase: str) -> str:
    """Return a phrase without its article, in small letters: as models agree on it."""
    return _ARTICLE.sub("", phrase.strip()).casefold()


def grouped(sightings: Sequence[Sighting]) -> list[Group]:
    """Put sightings of one thing together, greedily, the best overlap first.

    Two groups become one where they share no model and every two of their boxes, under the same
    phrase, have IoU >= `SAME`: so a group has at most one box of each model, and no chain of boxes
    that overlap only with their neighbours.
    """
    groups: dict[int, list[int]] = {index: [index] for index in range(len(sightings))}
    home = list(range(len(sightings)))
    for _, a, b in _overlapping(sightings, sightings):
        one, other = home[a], home[b]
        if one == other or not all(
            _same(sightings[i], sightings[j]) for i in groups[one] for j in groups[other]
        ):
            continue
        for index in groups[other]:
            home[index] = one
        groups[one] += groups.pop(other)
    return [
        Group(tuple(sorted((sightings[i] for i in members), key=lambda seen: seen.voice)))
        for members in groups.values()
    ]


def agreement_of(a: Sequence[Sighting], b: Sequence[Sighting]) -> float:
    """Say how far two models agree, 0 to 1.

    Boxes of the same phrase are matched one to one, greedily, the highest IoU first and from
    `SAME` on. The agreement is the sum of the IoU of the matched pairs, divided by the number of
    pairs and of boxes without a partner, on either side: each of those counts as 0. Two models that
    both see nothing agree: 1.
    """
    if not a and not b:
        return 1.0
    matched: list[float] = []
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    for iou, i, j in _overlapping(a, b):
        if i not in taken_a and j not in taken_b:
            matched.append(iou)
            taken_a.add(i)
            taken_b.add(j)
    return fsum(matched) / (len(a) + len(b) - len(matched))


def _overlapping(a: Sequence[Sighting], b: Sequence[Sighting]) -> list[tuple[float, int, int]]:
    """Return IoU and indices of the pairs that may be the same thing, the highest IoU first."""
    pairs = (
        (one.box.iou(other.box), i, j)
        for i, one in enumerate(a)
        for j, other in enumerate(b)
        if _same(one, other)
    )
    return sorted(pairs, key=lambda pair: (-pair[0], *pair[1:]))


def _same(a: Sighting, b: Sighting) -> bool:
    """Whether two models mean the same thing."""
    return a.voice != b.voice and a.phrase == b.phrase and a.box.iou(b.box) >= SAME


def check_models(models: Sequence[str]) -> None:
    """Refuse too few or too many models.

    Raises:
        InputError: there are not `FEWEST` to `MOST` different ones.
    """
    if not FEWEST <= len(set(models)) <= MOST or len(set(models)) < len(models):
        raise InputError(f"Please choose {FEWEST} to {MOST} different models.")


def ask_in_turn(backend: Backend, models: Sequence[str], request: Request) -> Iterator[Voice]:
    """Ask one model after another; one that fails leaves the others alone.

    Raises:
        InputError: as `check_models` does.
    """
    check_models(models)
    for model in models:
        try:
            *_, reply = backend.answer(model, request)
        except VlmDemoError as error:
            yield Voice(model, error=str(error))
        else:
            yield Voice(model, reply)


class SeenBy(TypedDict):
    """A sighting, for other programs."""

    model: str
    box_xyxy_px: list[float]
    confidence: float | None


class Thing(TypedDict):
    """A group, for other programs."""

    phrase: str
    models: int
    mean_iou: float
    seen_by: list[SeenBy]


def to_data(consensus: Consensus, size: Size, request: Request) -> dict[str, object]:
    """Return a comparison as plain data; boxes in pixels of a picture of `size`."""
    voices = consensus.voices
    things: list[Thing] = [
        {
            "phrase": group.phrase or request.text,
            "models": len(group.sightings),
            "mean_iou": round(group.iou, 4),
            "seen_by": [
                {
                    "model": voices[sighting.voice].model,
                    "box_xyxy_px": [round(v, 1) for v in sighting.box.to_pixels(size)],
                    "confidence": sighting.confidence,
                }
                for sighting in group.sightings
            ],
        }
        for group in consensus.groups
    ]
    return {
        "task": str(request.task),
        "text": request.text,
        "image_size": list(size),
        "models": [
            {"model": v.model, "error": v.error or None, "text": v.reply.text if v.reply else None}
            for v in voices
        ],
        "agreement": [
            [None if share is None else round(share, 4) for share in row]
            for row in consensus.agreement
        ],
        "things": things,
    }
