"""How well the regions of an answer match the ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from vlm_demo.analysis.matching import match_greedily, overlap
from vlm_demo.values import Region

HIT_IOU = 0.5
"""Intersection over union from which a region counts as found, as in Pascal VOC and RefCOCO."""


@dataclass(frozen=True, slots=True)
class RegionMatch:
    """An expected region and the one of the answer that matches it; None: it has no partner."""

    expected: int | None
    found: int | None
    overlap: float  # intersection over union, 0 to 1; of a point: 1 where it is hit, else 0

    @property
    def is_hit(self) -> bool:
        """Whether the expected region counts as found."""
        return self.overlap >= HIT_IOU


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """The score of one answer: a match for each expected region, then the answer's others."""

    matches: tuple[RegionMatch, ...]

    @property
    def overlaps(self) -> tuple[float, ...]:
        """The overlap of each expected region; 0 where it was missed."""
        return tuple(match.overlap for match in self.matches if match.expected is not None)

    @property
    def hits(self) -> int:
        """The number of expected regions that count as found."""
        return sum(match.is_hit for match in self.matches)

    @property
    def extra(self) -> int:
        """The number of regions in the answer that match no expected one."""
        return sum(match.expected is None for match in self.matches)


@dataclass(frozen=True, slots=True)
class ModelScore:
    """The score of a model over all questions that it was asked."""

    model: str
    mean_iou: float  # over the expected regions, 0 to 1
    hit_rate: float  # share of the expected regions that count as found, 0 to 1
    places: int  # expected regions
    questions: int
    extra: int  # regions in answers that match no expected one


def score_answer(expected: Sequence[Region], found: Sequence[Region]) -> AnswerScore:
    """Match each expected region with at most one of the answer, and score the answer."""
    pairs = match_greedily(expected, found, overlap)
    partner = {pair.first: (pair.second, pair.overlap) for pair in pairs}
    used = {pair.second for pair in pairs}
    matches = [RegionMatch(i, *partner.get(i, (None, 0.0))) for i in range(len(expected))]
    others = [RegionMatch(None, j, 0.0) for j in range(len(found)) if j not in used]
    return AnswerScore((*matches, *others))


def rank_models(
    answers: Iterable[tuple[Sequence[Region], Mapping[str, Sequence[Region]]]],
) -> list[ModelScore]:
    """Score models, best first, by the expected regions and each model's answer to a question."""
    scores: dict[str, list[AnswerScore]] = {}
    for expected, found_by in answers:
        for model, found in found_by.items():
            scores.setdefault(model, []).append(score_answer(expected, found))
    ranked = [_score_model(model, own) for model, own in scores.items()]
    return sorted(ranked, key=lambda one: (-one.mean_iou, one.extra, one.model))


def _score_model(model: str, scores: Sequence[AnswerScore]) -> ModelScore:
    overlaps = [value for one in scores for value in one.overlaps]
    return ModelScore(
        model,
        mean_iou=fmean(overlaps) if overlaps else 0.0,
        hit_rate=sum(one.hits for one in scores) / len(overlaps) if overlaps else 0.0,
        places=len(overlaps),
        questions=len(scores),
        extra=sum(one.extra for one in scores),
    )
