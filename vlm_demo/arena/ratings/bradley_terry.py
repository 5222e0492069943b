"""How often each model beat each other one, and the Bradley-Terry strengths fitted to that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm_demo.arena.votes.vote_counts import PairCount

Floats = NDArray[np.float64]

VIRTUAL_WINS = 0.5
"""Virtual wins of each model, and as many losses, spread evenly over all others."""

TOLERANCE = 1e-6
"""Change of strengths, whose geometric mean is 1, below which iteration ends."""

MIN_STRENGTH = 1e-300
"""Smallest strength: a long chain of models that each beat only the next would underflow."""


@dataclass(frozen=True, slots=True)
class BattleMatrix:
    """Counts of battles: squares with a row and a column per model, in the order of their names."""

    models: tuple[str, ...]
    wins: Floats  # of the row's model over the column's, in weights of votes
    ties: Floats  # symmetric
    votes: NDArray[np.int64]  # their number, whatever they weigh; symmetric

    @property
    def scores(self) -> Floats:
        """Wins of the row's model over the column's, counting a tie as half a win."""
        return self.wins + self.ties / 2

    @property
    def battles(self) -> Floats:
        """How often two models met, in weights of votes."""
        return self.wins + self.wins.T + self.ties


def sum_battles(pair_counts: Iterable[PairCount]) -> BattleMatrix:
    """Sum votes by pair of models."""
    counts = [each for each in pair_counts if each.votes and each.model_a != each.model_b]
    models = tuple(sorted({name for each in counts for name in (each.model_a, each.model_b)}))
    index = {name: at for at, name in enumerate(models)}
    shape = len(models), len(models)
    wins, ties, votes = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for each in counts:
        a, b = index[each.model_a], index[each.model_b]
        wins[a, b] += each.wins_a
        wins[b, a] += each.wins_b
        ties[a, b] += each.ties
        votes[a, b] += each.votes
    return BattleMatrix(models, wins, ties + ties.T, votes + votes.T)


class BradleyTerry:
    """The Bradley-Terry model of a number of contenders, who have all met, if only virtually.

    evalica loads scipy and pandas, so it is imported only here: no page opens later for it.
    """

    def __init__(self, models: int) -> None:
        """Prepare for this number of contenders, two or more."""
        import evalica

        self.winners, self.losers = np.nonzero(~np.eye(models, dtype=bool))
        self.virtual_wins = VIRTUAL_WINS / (models - 1)  # of one model over one other
        self._all_won = [evalica.Winner.X] * len(self.winners)
        *_, self._index = evalica.indexing(range(models), range(models))

    def fit(self, wins: Floats, max_iterations: int) -> Floats:
        """Fit strengths to a square of wins, the row's over the column's.

        They are natural logarithms of odds, with a mean of 0.
        """
        import evalica

        weights = wins[self.winners, self.losers] + self.virtual_wins
        scores = evalica.bradley_terry(
            self.winners,
            self.losers,
            self._all_won,
            index=self._index,
            weights=weights.tolist(),
            tolerance=TOLERANCE,
            limit=max_iterations,
        ).scores
        strengths = np.empty(len(wins))
        strengths[scores.index] = scores
        logarithms = np.log(np.clip(strengths, MIN_STRENGTH, 1 / MIN_STRENGTH))
        centred: Floats = logarithms - logarithms.mean()
        return centred
