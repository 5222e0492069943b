"""How often each model beat each other one: what ratings are computed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlm_demo.arena.votes.vote_counts import Cell

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Duels:
    """Counts between models: squares with a row and a column for each, in the order of names."""

    models: tuple[str, ...]
    wins: Floats  # sums of weights with which the row's model beat the column's
    ties: Floats  # symmetric
    votes: NDArray[np.int64]  # how many there were, whatever they weigh; symmetric

    @property
    def scores(self) -> Floats:
        """What the row's model has won against the column's, a tie being half a win."""
        return self.wins + self.ties / 2

    @property
    def battles(self) -> Floats:
        """How often two models met, in weights of votes."""
        return self.wins + self.wins.T + self.ties


def gather(cells: Iterable[Cell]) -> Duels:
    """Sum votes by the two models that they are about."""
    kept = [cell for cell in cells if cell.votes and cell.model_a != cell.model_b]
    models = tuple(sorted({name for cell in kept for name in (cell.model_a, cell.model_b)}))
    place = {name: index for index, name in enumerate(models)}
    shape = len(models), len(models)
    wins, ties, votes = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for cell in kept:
        a, b = place[cell.model_a], place[cell.model_b]
        wins[a, b] += cell.wins_a
        wins[b, a] += cell.wins_b
        ties[a, b] += cell.ties
        votes[a, b] += cell.votes
    return Duels(models, wins, ties + ties.T, votes + votes.T)
