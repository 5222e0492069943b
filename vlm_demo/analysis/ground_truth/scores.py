"""How well the places of an answer meet those that are right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from vlm_demo.values import Box, Point, Region, bounding_box

ENOUGH = 0.5
"""Intersection over union from which a place counts as found, as in Pascal VOC and RefCOCO."""

NEAR = 0.05
"""Distance, as a share of the picture's sides, at which two points are the same."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A right place and the one of the answer that meets it; one without the other has None."""

    truth: int | None
    found: int | None
    overlap: float  # intersection over union, 0 to 1; of a point: 1 where it is met, else 0

    @property
    def hit(self) -> bool:
        """Whether the right place counts as found."""
        return self.overlap >= ENOUGH


@dataclass(frozen=True, slots=True)
class Score:
    """An answer measured: first a pair for each right place, then the answer's other places."""

    pairs: tuple[Pair, ...]

    @property
    def overlaps(self) -> tuple[float, ...]:
        """Of each right place; 0 where it was missed."""
        return tuple(pair.overlap for pair in self.pairs if pair.truth is not None)

    @property
    def hits(self) -> int:
        """Right places that count as found."""
        return sum(pair.hit for pair in self.pairs)

    @property
    def extra(self) -> int:
        """Places of the answer that meet no right one."""
        return sum(pair.truth is None for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a model reached on everything that it was asked."""

    model: str
    mean_iou: float  # over the right places, 0 to 1
    hit_rate: float  # share of the right places that count as found, 0 to 1
    places: int  # that are right
    questions: int
    extra: int  # places that are not


def score(truth: Sequence[Region], found: Sequence[Region]) -> Score:
    """Match each right place with at most one of the answer, those that overlap most first.

    Best first is how COCO and Pascal VOC match too, though by confidence, which not every model
    gives. A hit by it is a hit by the best of all matchings as well, unless places of one side
    cover each other by more than a third.
    """
    candidates = sorted(
        (
            (-overlap(right, other), i, j)
            for i, right in enumerate(truth)
            for j, other in enumerate(found)
        ),
    )
    partner: dict[int, tuple[int, float]] = {}
    used: set[int] = set()
    for negative, i, j in candidates:
        if negative < 0 and i not in partner and j not in used:
            partner[i] = (j, -negative)
            used.add(j)
    met = [Pair(i, *partner.get(i, (None, 0.0))) for i in range(len(truth))]
    others = [Pair(None, j, 0.0) for j in range(len(found)) if j not in used]
    return Score((*met, *others))


def overlap(right: Region, other: Region) -> float:
    """Intersection over union of the boxes around two places, 0 to 1.

    A point has no area: it is met (1) by a point near it, and by a box that it lies in.
    """
    match right, other:
        case Point(), Point():
            return float(abs(right.x - other.x) <= NEAR and abs(right.y - other.y) <= NEAR)
        case Point(), _:
            return float(_holds(bounding_box(other), right))
        case _, Point():
            return float(_holds(bounding_box(right), other))
    return bounding_box(right).iou(bounding_box(other))


def standings(
    asked: Iterable[tuple[Sequence[Region], Mapping[str, Sequence[Region]]]],
) -> list[Standing]:
    """Rate models, best first, by right places and what each model answered to that question."""
    scores: dict[str, list[Score]] = {}
    for truth, answers in asked:
        for model, found in answers.items():
            scores.setdefault(model, []).append(score(truth, found))
    rated = [_standing(model, own) for model, own in scores.items()]
    return sorted(rated, key=lambda one: (-one.mean_iou, one.extra, one.model))


def _standing(model: str, scores: Sequence[Score]) -> Standing:
    overlaps = [value for one in scores for value in one.overlaps]
    return Standing(
        model,
        mean_iou=fmean(overlaps) if overlaps else 0.0,
        hit_rate=sum(one.hits for one in scores) / len(overlaps) if overlaps else 0.0,
        places=len(overlaps),
        questions=len(scores),
        extra=sum(one.extra for one in scores),
    )


def _holds(box: Box, point: Point) -> bool:
    return box.x1 <= point.x <= box.x2 and box.y1 <= point.y <= box.y2
