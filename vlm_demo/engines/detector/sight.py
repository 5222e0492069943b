"""What may be said about a photograph: things with their number, boxes and certainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from vlm_demo.engines.detector.photo_nets import DetectedObject
from vlm_demo.engines.detector.vocabulary import Language, coco_classes, imagenet_names
from vlm_demo.values import Box

STATED_SCORE = 0.5
"""Score from which a thing is stated; below, it is there "perhaps".

Of the boxes at .5 to .6, 77 % are right, at .6 to .8 94 %, at .4 to .5 55 %.
"""

MENTIONED_SCORE = 0.33
"""Score from which a thing is mentioned unasked, chosen on 64 labelled photographs."""

ASKED_SCORE = 0.25
"""Score from which a thing is there "perhaps" for somebody who asks for it by name."""

CLASSIFIER_CERTAIN = 0.5
"""Probability from which the classifier's name is stated: 96 % of those are right."""

CLASSIFIER_HEARD = 0.35
"""Probability from which the classifier may contradict the detector about an animal."""

DETECTOR_TRUSTED = 0.7
"""Score from which the detector names an animal alone, where the classifier has no opinion.

At 0.7 it states a wrong animal on 2 of 30 photographs of raccoons, which neither net knows.
"""

_CONFIDENCE_SLOPE = 11.0
"""How fast the probability that a box is right grows with its score."""

_EVEN_SCORE = 0.425
"""Score of boxes of which half are right, as counted on labelled photographs of COCO val2017."""

_LAST_ANIMAL = 398
"""Number of ImageNet's classes, from the first, that are animals."""

_ANIMALS = {
    "bird": ((7, 25), (80, 101), (127, 147)),
    "cat": ((281, 286),),
    "dog": ((151, 269), (273, 276)),
    "horse": ((339, 340),),
    "sheep": ((348, 350),),
    "cow": ((345, 346),),
    "elephant": ((101, 102), (385, 387)),
    "bear": ((294, 298),),
    "zebra": ((340, 341),),
    "giraffe": (),
}
"""COCO's animals, with the ranges of ImageNet's classes that are of the same kind."""


class Certainty(Enum):
    """How a thing is put into words."""

    STATED = "stated"  # "two dogs"
    AT_LEAST = "at least"  # "at least two dogs": there may be more
    PERHAPS = "perhaps"  # "perhaps a dog"


@dataclass(frozen=True, slots=True)
class Thing:
    """One or several objects of a kind."""

    class_index: int | None
    """COCO's number of the kind; None: the detector does not know it."""

    imagenet_index: int | None
    """ImageNet's number of the kind, where the classifier names it; None: it does not."""

    count: int
    """How many there are, of those that are sure where some are."""

    certainty: Certainty
    detections: tuple[DetectedObject, ...]
    """Where they are, best first; (): nobody knows."""

    @property
    def score(self) -> float:
        """How sure the nets are of the best one, 0 to 1."""
        return max((detection.score for detection in self.detections), default=0.0)


@dataclass(frozen=True, slots=True)
class Classification:
    """The classifier's first choice."""

    index: int
    """ImageNet's number of the class."""

    probability: float

    @property
    def is_animal(self) -> bool:
        """Whether the class is an animal."""
        return self.index < _LAST_ANIMAL

    @classmethod
    def of(cls, probabilities: Sequence[float]) -> Classification:
        """Return the most probable of the 1,000 classes."""
        index = max(range(len(probabilities)), key=probabilities.__getitem__)
        return cls(index, probabilities[index])


def estimate_confidence(score: float) -> float:
    """Return the probability that a box with this score is right: its class, at IoU 0.5 or more."""
    return 1 / (1 + math.exp(_CONFIDENCE_SLOPE * (_EVEN_SCORE - score)))


def list_things(
    detections: Sequence[DetectedObject], whole: Classification, least: float = MENTIONED_SCORE
) -> list[Thing]:
    """Return what may be mentioned, what is stated first.

    Two witnesses name an animal: where the classifier is heard and means another one, its name is
    taken; where it has no opinion, the detector must be trusted to state its own.

    Args:
        detections: of the photograph, best first.
        whole: what the classifier says about all of it.
        least: lowest score of a detection that counts.
    """
    groups: dict[int, list[DetectedObject]] = {}
    for detection in detections:
        if detection.score >= least:
            groups.setdefault(detection.class_index, []).append(detection)
    things = _merge([_describe_group(index, group, whole) for index, group in groups.items()])
    names_animal = any(
        thing.class_index is None or is_animal(thing.class_index) for thing in things
    )
    if whole.is_animal and whole.probability >= CLASSIFIER_CERTAIN and not names_animal:
        things.append(Thing(None, whole.index, 1, Certainty.PERHAPS, ()))
    return sorted(things, key=lambda thing: (thing.certainty is Certainty.PERHAPS, -thing.score))


def find_things(
    class_index: int, detections: Sequence[DetectedObject], whole: Classification
) -> Thing | None:
    """Return the objects of a class that somebody asks for by name, or None."""
    group = [one for one in detections if one.class_index == class_index]
    found = [one for one in group if one.score >= MENTIONED_SCORE]
    found = found or [one for one in group if one.score >= ASKED_SCORE][:1]
    thing = _describe_group(class_index, found, whole) if found else None
    # A doubtful dog that the classifier takes for a cat is no dog.
    is_denied = thing is not None and thing.class_index is None and thing.score < STATED_SCORE
    return None if is_denied else thing


def is_animal(class_index: int | None) -> bool:
    """Return whether a COCO class is an animal."""
    return class_index is not None and class_name(class_index) in _ANIMALS


def is_of_kind(imagenet_index: int, class_index: int) -> bool:
    """Return whether a class of ImageNet is of the kind of one of COCO's animals."""
    ranges = _ANIMALS.get(class_name(class_index), ())
    return any(first <= imagenet_index < end for first, end in ranges)


def class_name(class_index: int) -> str:
    """Return the English name of a COCO class."""
    return coco_classes()[class_index][Language.ENGLISH].singular


def imagenet_name(imagenet_index: int, language: Language) -> str:
    """Return the name of an ImageNet class."""
    return imagenet_names()[imagenet_index][language]


def find_overlapping(box: Box, detections: Sequence[DetectedObject]) -> DetectedObject | None:
    """Return the detection that covers a region best, or None if none covers it well."""
    candidates = [one for one in detections if one.score >= ASKED_SCORE]
    best = max(candidates, key=lambda one: one.box.iou(box), default=None)
    return best if best is not None and best.box.iou(box) >= 0.4 else None


def _merge(things: list[Thing]) -> list[Thing]:
    """Join what the classifier renamed with things of the same name or kind."""
    merged: list[Thing] = []
    for thing in sorted(things, key=lambda thing: thing.class_index is None):
        index = next((i for i, other in enumerate(merged) if _is_same_kind(thing, other)), None)
        if index is None:
            merged.append(thing)
            continue
        other = merged[index]
        detections = sorted(
            (*other.detections, *thing.detections), key=lambda one: one.score, reverse=True
        )
        sure = sum(one.score >= STATED_SCORE for one in detections)
        certainty = min(other.certainty, thing.certainty, key=list(Certainty).index)
        merged[index] = replace(
            other, count=sure or len(detections), certainty=certainty, detections=tuple(detections)
        )
    return merged


def _is_same_kind(thing: Thing, other: Thing) -> bool:
    if thing.class_index is not None or thing.imagenet_index is None:
        return False
    if other.class_index is None:
        return thing.imagenet_index == other.imagenet_index
    return is_of_kind(thing.imagenet_index, other.class_index)


def _describe_group(index: int, group: list[DetectedObject], whole: Classification) -> Thing:
    sure = [one for one in group if one.score >= STATED_SCORE]
    certainty = Certainty.PERHAPS
    if sure:
        certainty = Certainty.STATED if len(sure) == len(group) else Certainty.AT_LEAST
    named: int | None = None
    if is_animal(index):
        if whole.is_animal and whole.probability >= CLASSIFIER_HEARD:
            if not is_of_kind(whole.index, index):
                stated = whole.probability >= CLASSIFIER_CERTAIN
                other = certainty if stated else Certainty.PERHAPS
                return Thing(None, whole.index, len(sure or group), other, tuple(group))
            if whole.probability >= CLASSIFIER_CERTAIN and len(group) == 1:
                named = whole.index
        elif group[0].score < DETECTOR_TRUSTED:
            certainty = Certainty.PERHAPS
    return Thing(index, named, len(sure or group), certainty, tuple(group))
