"""Calibration: from a confidence to the share of boxes of that confidence that are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_BLOCK = 25
"""Smallest number of boxes whose share of hits makes a point of the table."""

BINS = 10
"""Number of equally wide bins of the expected calibration error."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve that never falls, through points in the order of the confidence."""

    confidences: tuple[float, ...]
    probabilities: tuple[float, ...]  # that a box has IoU >= 0.5 with what it names

    def __call__(self, confidence: float) -> float:
        """Return the probability that a box is right, 0 to 1, from its confidence, 0 to 1."""
        return float(np.interp(confidence, self.confidences, self.probabilities))


def fit_calibration(confidences: Sequence[float], hits: Sequence[bool]) -> Calibration:
    """Fit the curve by isotonic regression: pool adjacent violators.

    Neighbours are pooled until no share of hits is below that of lower confidences and each block
    has `MIN_BLOCK` boxes. A share is that of the block with one hit and one miss more, since a few
    boxes prove no certainty. Source: Zadrozny and Elkan, Transforming classifier scores into
    accurate multiclass probability estimates, KDD 2002.

    Args:
        confidences: of boxes, 0 to 1.
        hits: whether each is right.
    """
    order = np.argsort(np.asarray(confidences, dtype=float), kind="stable")
    scores = np.asarray(confidences, dtype=float)[order]
    right = np.asarray(hits, dtype=float)[order]
    blocks: list[tuple[float, float, float]] = []  # sum of confidences, hits, boxes
    for start in range(0, len(scores), MIN_BLOCK):
        part = slice(start, start + MIN_BLOCK)
        blocks.append((float(scores[part].sum()), float(right[part].sum()), len(scores[part])))
        if len(blocks) > 1 and blocks[-1][2] < MIN_BLOCK:
            _pool(blocks)
        while len(blocks) > 1 and _share(blocks[-1]) <= _share(blocks[-2]):
            _pool(blocks)
    shares = [(hit + 1) / (count + 2) for _, hit, count in blocks]
    return Calibration(
        tuple(round(total / count, 4) for total, _, count in blocks),
        tuple(round(share, 4) for share in np.maximum.accumulate(shares).tolist()),
    )


def expected_calibration_error(probabilities: Sequence[float], hits: Sequence[bool]) -> float:
    """Return the mean distance of what was said and what came true, over bins, 0 to 1.

    Source: Guo et al., On calibration of modern neural networks, https://arxiv.org/abs/1706.04599.
    """
    said, right = np.asarray(probabilities, dtype=float), np.asarray(hits, dtype=float)
    if not len(said):
        return 0.0
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    error = 0.0
    for index in np.unique(bins):
        own = bins == index
        error += abs(said[own].mean() - right[own].mean()) * own.mean()
    return float(error)


def _share(block: tuple[float, float, float]) -> float:
    return block[1] / block[2]


def _pool(blocks: list[tuple[float, float, float]]) -> None:
    """Make one block of the last two."""
    last, before = blocks.pop(), blocks.pop()
    blocks.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
