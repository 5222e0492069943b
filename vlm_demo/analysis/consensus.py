"""Consensus: what several models see where, and where they differ.

Regions of different models are one thing where they overlap enough and carry the same phrase. No
model is taken for the ground truth: what few of them see comes first, for a person to look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum
from statistics import fmean
from typing import TypedDict

from vlm_demo.analysis.matching import match_greedily, normalize_phrase, rank_pairs
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, VlmDemoError
from vlm_demo.prompting.confidence import region_confidences
from vlm_demo.values import Box, Reply, Request, Size, Task, bounding_box

MIN_MODELS, MAX_MODELS = 2, 6
"""Fewest and most models that are compared at a time."""

SAME_IOU = 0.5
"""Intersection over union from which two boxes show the same thing."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """The answer of one of the models."""

    model: str
    reply: Reply | None = None  # None: nothing yet, or it failed
    error: str = ""  # why it failed, in words for people


@dataclass(frozen=True, slots=True)
class Detection:
    """A region that one of the models names."""

    answer: int  # index of the model's answer
    phrase: str
    box: Box  # around the region, where that is a point or a polygon
    confidence: float | None = None  # 0 to 1


@dataclass(frozen=True, slots=True)
class DetectionGroup:
    """One thing: detections of it, at most one of each model, in the order of the models."""

    detections: tuple[Detection, ...]

    @property
    def phrase(self) -> str:
        """What the first model calls it."""
        return self.detections[0].phrase

    @property
    def answers(self) -> tuple[int, ...]:
        """Indices of the answers that name it."""
        return tuple(detection.answer for detection in self.detections)

    @property
    def iou(self) -> float:
        """Mean IoU over all pairs of its boxes; 1 where there is only one."""
        boxes = [detection.box for detection in self.detections]
        pairs = [a.iou(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
        return fmean(pairs) if pairs else 1.0


@dataclass(frozen=True, slots=True)
class Consensus:
    """The answers of several models, compared."""

    answers: tuple[ModelAnswer, ...]
    groups: tuple[DetectionGroup, ...]  # seen by the fewest models first; then by falling overlap
    agreement: tuple[
        tuple[float | None, ...], ...
    ]  # of model x model, in the order of `answers`; None: with itself, or one has not answered

    @property
    def answer_count(self) -> int:
        """How many models have answered."""
        return sum(answer.reply is not None for answer in self.answers)

    def is_disputed(self, group: DetectionGroup) -> bool:
        """Whether a model that has answered does not see a thing."""
        return len(group.detections) < self.answer_count


def compare_answers(answers: Sequence[ModelAnswer], task: Task) -> Consensus:
    """Group the regions of several answers, and measure how far every two models agree."""
    detections = [list(_detections(index, answer, task)) for index, answer in enumerate(answers)]
    groups = group_detections([detection for own in detections for detection in own])
    agreement = tuple(
        tuple(
            measure_agreement(one, other)
            if answers[a].reply and answers[b].reply and a != b
            else None
            for b, other in enumerate(detections)
        )
        for a, one in enumerate(detections)
    )
    ordered = sorted(groups, key=lambda group: (len(group.detections), group.iou))
    return Consensus(tuple(answers), tuple(ordered), agreement)


def _detections(index: int, answer: ModelAnswer, task: Task) -> Iterator[Detection]:
    if answer.reply is None:
        return
    confidences = region_confidences(answer.reply)
    for mention, own in zip(answer.reply.mentions, confidences, strict=True):
        # A search says what it is for, whatever each model calls it.
        phrase = normalize_phrase(mention.target if task is Task.GROUNDING else mention.phrase)
        for region, confidence in zip(mention.regions, own, strict=True):
            yield Detection(index, phrase, bounding_box(region), confidence)


def group_detections(detections: Sequence[Detection]) -> list[DetectionGroup]:
    """Put detections of one thing together, greedily, the best overlap first.

    Two groups become one where they share no model and every two of their boxes, under the same
    phrase, have IoU >= `SAME_IOU`: so a group has at most one box of each model, and no chain of
    boxes that overlap only with their neighbours.
    """
    groups: dict[int, list[int]] = {index: [index] for index in range(len(detections))}
    group_of = list(range(len(detections)))
    for pair in rank_pairs(detections, detections, _overlap):
        one, other = group_of[pair.first], group_of[pair.second]
        if one == other or not all(
            _overlap(detections[i], detections[j]) for i in groups[one] for j in groups[other]
        ):
            continue
        for index in groups[other]:
            group_of[index] = one
        groups[one] += groups.pop(other)
    return [
        DetectionGroup(
            tuple(sorted((detections[i] for i in members), key=lambda detection: detection.answer))
        )
        for members in groups.values()
    ]


def measure_agreement(a: Sequence[Detection], b: Sequence[Detection]) -> float:
    """Return how far two models agree, 0 to 1.

    Boxes of the same phrase are matched one to one, from `SAME_IOU` on. The agreement is the sum
    of the IoU of the matched pairs, divided by the number of pairs and of boxes without a partner,
    on either side: each of those counts as 0. Two models that both see nothing agree: 1.
    """
    if not a and not b:
        return 1.0
    pairs = match_greedily(a, b, _overlap)
    return fsum(pair.overlap for pair in pairs) / (len(a) + len(b) - len(pairs))


def _overlap(a: Detection, b: Detection) -> float:
    """Return the IoU of two detections; 0 where they cannot be the same thing."""
    if a.answer == b.answer or a.phrase != b.phrase:
        return 0.0
    iou = a.box.iou(b.box)
    return iou if iou >= SAME_IOU else 0.0


def check_models(models: Sequence[str]) -> None:
    """Refuse too few or too many models, or the same one twice.

    Raises:
        InputError: there are not `FEWEST` to `MOST` different ones.
    """
    if not MIN_MODELS <= len(set(models)) <= MAX_MODELS or len(set(models)) < len(models):
        raise InputError(
            "Choose {min_models} to {max_models} different models.",
            min_models=MIN_MODELS,
            max_models=MAX_MODELS,
        )


def ask_models(backend: Backend, models: Sequence[str], request: Request) -> Iterator[ModelAnswer]:
    """Ask one model after another; one that fails leaves the others alone.

    Raises:
        InputError: as `check_models` does.
    """
    check_models(models)
    for model in models:
        try:
            *_, reply = backend.answer(model, request)
        except VlmDemoError as error:
            yield ModelAnswer(model, error=str(error))
        else:
            yield ModelAnswer(model, reply)


class DetectionData(TypedDict):
    """A detection as plain data."""

    model: str
    box_xyxy_px: list[float]
    confidence: float | None


class GroupData(TypedDict):
    """A group of detections as plain data."""

    phrase: str
    models: int
    mean_iou: float
    seen_by: list[DetectionData]


def consensus_to_data(consensus: Consensus, size: Size, request: Request) -> dict[str, object]:
    """Return a comparison as plain data; boxes in pixels of a picture of `size`."""
    answers = consensus.answers
    things: list[GroupData] = [
        {
            "phrase": group.phrase or request.text,
            "models": len(group.detections),
            "mean_iou": round(group.iou, 4),
            "seen_by": [
                {
                    "model": answers[detection.answer].model,
                    "box_xyxy_px": [round(v, 1) for v in detection.box.to_pixels(size)],
                    "confidence": detection.confidence,
                }
                for detection in group.detections
            ],
        }
        for group in consensus.groups
    ]
    return {
        "task": str(request.task),
        "text": request.text,
        "image_size": list(size),
        "models": [
            {"model": a.model, "error": a.error or None, "text": a.reply.text if a.reply else None}
            for a in answers
        ],
        "agreement": [
            [None if share is None else round(share, 4) for share in row]
            for row in consensus.agreement
        ],
        "things": things,
    }
