"""How far a score may be off by the choice of the questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RESAMPLES = 1000
"""How often the questions are drawn anew, as the published evaluations with intervals do."""

_AT_ONCE = 2_000_000
"""Most values that are drawn at a time: 16 MB."""


def bootstrap_interval(
    scores: Sequence[float], *, seed: int = 0, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """Return the percentile interval of the mean; None: there are no scores.

    Args:
        scores: one for each question, or for each group of questions that belong together.
        seed: chooses what is drawn; the same seed gives the same interval.
        level: share of the means that the interval holds.
        resamples: how often as many scores are drawn, with replacement.
    """
    if not scores:
        return None
    values = np.asarray(scores, dtype=float)
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // len(values))
    means = np.concatenate(
        [
            values[
                rng.integers(len(values), size=(min(step, resamples - start), len(values)))
            ].mean(axis=1)
            for start in range(0, resamples, step)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
