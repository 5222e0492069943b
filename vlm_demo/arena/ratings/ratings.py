"""How strong models are, by the votes on them, and how sure that is.

Bradley-Terry, fitted by evalica to how often each model beat each other one. What was decided, and
measured on made-up votes of 60 models of known strength (normal, with a standard deviation of 1 in
logarithms of odds; pairs by chance; the mean of 50 trials; in brackets, 20 models):

- A tie is a tenth of a win for each side. With half a win, as is usual, all models draw nearer to
  each other than they are: differences are 0.76 of the truth where 15 % of all votes are ties,
  0.83 with ties by Davidson's model, 0.98 by Rao and Kupper's. Without ties in the ratings at all,
  they are 1.00, 1.01 and 1.13, but who ties with the best would not be rated beside them. With a
  tenth they are 0.94, 0.96 and 1.10. evalica's `newman`, which fits Davidson's model, does not
  converge where one side wins most: of two models one of which won the only vote, it says that
  they are equal.
- Each model has half a virtual win and half a virtual loss, spread evenly over all others: that
  joins models that never met and keeps the unbeaten finite. Half a win for each side of every
  pair would be 1,770 votes among 60 models, and hide 5,000 real ones.
- An interval is the rating and 1.96 standard errors on either side, from a multinomial bootstrap
  over the cells, the virtual votes among them (else an unbeaten model would be sure to stay so).
  With 5,000 votes it holds the truth in 0.96 of models (0.95) without ties, in 0.94 (0.92) with
  15 % of ties, in 0.95 (0.93) with Davidson's and in 0.94 (0.88) with Rao and Kupper's. Percentiles
  of 100 rounds hold it in some 0.02 fewer.
- Votes that weigh less are drawn as fewer votes, which makes intervals too wide rather than too
  narrow.

Nothing is corrected for style (the length of answers, the number of boxes): evalica rates by counts
of wins alone, and the one library that takes more into account, arena-rank, wants one version of
jax and of numpy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vlm_demo.arena.ratings.duels import Duels, Floats, gather
from vlm_demo.arena.votes.vote_counts import Cell

if TYPE_CHECKING:
    from vlm_demo.arena.ratings.bradley_terry import BradleyTerry

MEAN = 1000.0
"""Of the ratings of all models on a board."""

POINTS = 400 / math.log(10)
"""Of a factor e in the odds to win: 400 points more are ten times the odds, as of Elo."""

TIE_WEIGHT = 0.1
"""Of a win, for each side."""

PROVISIONAL_BELOW = 30
"""Votes on a model."""

WIDTH = 1.96
"""Standard errors on either side: 95 % of a normal distribution."""

EXACT, ROUGH = 10_000, 1_000
"""Iterations at most, for the ratings, and for a round of the bootstrap. Some 10 are usual."""

SMALL_CHANGE = 0.01
"""Of the votes on a model: so many more would make its interval 0.5 % narrower."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one model stands on a board."""

    model: str
    rating: float
    lower: float  # the 95 % interval of the rating
    upper: float
    rank: int  # one more than there are models whose whole interval is above this one's
    votes: int
    provisional: bool  # too few votes to mean much
    win_rate: float  # 0 to 1: the mean over the models that it met, a tie being half a win


@dataclass(frozen=True, slots=True)
class Errors:
    """How far ratings may be off."""

    duels: Duels  # what they were drawn from
    standard: Floats  # of each model, in points

    def hold(self, duels: Duels) -> bool:
        """Whether they are good enough for counts that have changed since, if only a little."""
        if duels.models != self.duels.models:
            return False
        before, now = self.duels.votes.sum(axis=1), duels.votes.sum(axis=1)
        return bool((abs(now - before) <= SMALL_CHANGE * before).all())


def rate(cells: Iterable[Cell], *, rounds: int = 100, seed: int = 0) -> list[Standing]:
    """Rate models, best first, and by name where they are equal; [] without votes.

    Args:
        cells: sums of votes, of whatever task, language and origin.
        rounds: of the bootstrap, two or more.
        seed: what the bootstrap draws follows from this and from the votes.
    """
    duels = gather(cells)
    return standings(duels, draw_errors(duels, rounds=rounds, seed=seed))


def standings(duels: Duels, errors: Errors) -> list[Standing]:
    """Rate models by counts; see `rate`."""
    rating = ratings(duels)
    reach = WIDTH * errors.standard
    lower, upper = rating - reach, rating + reach
    rank = 1 + (lower > upper[:, np.newaxis]).sum(axis=1)
    votes, win_rate = duels.votes.sum(axis=1), _win_rates(duels)
    board = [
        Standing(
            model=model,
            rating=float(rating[at]),
            lower=float(lower[at]),
            upper=float(upper[at]),
            rank=int(rank[at]),
            votes=int(votes[at]),
            provisional=bool(votes[at] < PROVISIONAL_BELOW),
            win_rate=float(win_rate[at]),
        )
        for at, model in enumerate(duels.models)
    ]
    return sorted(board, key=lambda standing: (-standing.rating, standing.model))


def ratings(duels: Duels) -> Floats:
    """Rate models, in the order of their names, without saying how sure that is."""
    if not duels.models:
        return np.empty(0)
    fit = _bradley_terry(len(duels.models))
    return MEAN + POINTS * fit.strengths(duels.wins + TIE_WEIGHT * duels.ties, EXACT)


def draw_errors(duels: Duels, *, rounds: int = 100, seed: int = 0) -> Errors:
    """Draw as many votes again, from those there are and the virtual ones; see how ratings move."""
    if not duels.models:
        return Errors(duels, np.empty(0))
    rng = np.random.default_rng(seed)
    fit = _bradley_terry(len(duels.models))
    wins = duels.wins[fit.winners, fit.losers] + fit.virtual
    pairs = np.triu_indices(len(duels.models), 1)
    cells = np.concatenate([wins, duels.ties[pairs]])
    drawn = rng.multinomial(round(cells.sum()), cells / cells.sum(), size=rounds)
    moved = np.empty((rounds, len(duels.models)))
    for at, votes in enumerate(drawn):
        ties = np.zeros_like(duels.ties)
        ties[pairs] = votes[len(wins) :]
        square = TIE_WEIGHT * (ties + ties.T)
        square[fit.winners, fit.losers] += votes[: len(wins)]
        moved[at] = fit.strengths(square, ROUGH)
    return Errors(duels, POINTS * moved.std(axis=0, ddof=1))


def _bradley_terry(models: int) -> BradleyTerry:
    """Load evalica, which loads scipy and pandas, when something is rated: no page opens later."""
    from vlm_demo.arena.ratings.bradley_terry import BradleyTerry

    return BradleyTerry(models)


def _win_rates(duels: Duels) -> Floats:
    """Average over the models that were met; where no vote had any weight, a half."""
    met = duels.battles > 0
    rates = np.divide(duels.scores, duels.battles, out=np.zeros_like(duels.wins), where=met)
    count = met.sum(axis=1)
    mean: Floats = np.divide(
        rates.sum(axis=1), count, out=np.full(len(count), 0.5), where=count > 0
    )
    return mean
