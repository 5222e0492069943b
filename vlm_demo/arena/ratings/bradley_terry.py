"""The fit behind the ratings, by evalica."""

from __future__ import annotations

import evalica
import numpy as np
from evalica import Winner

from vlm_demo.arena.ratings.duels import Floats

VIRTUAL_WINS = 0.5
"""Of each model, and as many losses, spread evenly over all others."""

TOLERANCE = 1e-6
"""Between two iterations, in strengths whose geometric mean is 1."""

LEAST = 1e-300
"""Strength: a long chain of models, of whom each beats the next alone, would leave all numbers."""


class BradleyTerry:
    """The model for so many contenders, of whom each has met every other, if only virtually."""

    def __init__(self, models: int) -> None:
        self.winners, self.losers = np.nonzero(~np.eye(models, dtype=bool))
        self.virtual = VIRTUAL_WINS / (models - 1)  # wins of one over one other
        self._all_won = [Winner.X] * len(self.winners)
        *_, self._index = evalica.indexing(range(models), range(models))

    def strengths(self, wins: Floats, limit: int) -> Floats:
        """Fit strengths to a square of wins, the row's over the column's.

        They are natural logarithms of odds, with a mean of 0; `limit` is that of iterations.
        """
        weights = wins[self.winners, self.losers] + self.virtual
        fitted = evalica.bradley_terry(
            self.winners,
            self.losers,
            self._all_won,
            index=self._index,
            weights=weights.tolist(),
            tolerance=TOLERANCE,
            limit=limit,
        ).scores
        strengths = np.empty(len(wins))
        strengths[fitted.index] = fitted
        logarithms = np.log(np.clip(strengths, LEAST, 1 / LEAST))
        centred: Floats = logarithms - logarithms.mean()
        return centred
