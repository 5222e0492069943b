"""How strong models are by the votes on them, and how certain that is.

Bradley-Terry strengths, fitted by evalica to how often each model beat each other one. The choices
below were measured on synthetic votes on 60 models of known strength (normal, with a standard
deviation of 1 in log odds; random pairs; the mean of 50 trials; in brackets, 20 models):

- A tie is a tenth of a win for each side. With the usual half a win, ratings are compressed:
  differences are 0.76 of the true ones if 15 % of all votes are ties at random, 0.83 if ties follow
  Davidson's model, and 0.98 if they follow Rao and Kupper's. If ties are ignored, the shares are
  1.00, 1.01 and 1.13, but a model that ties with the best would not be rated near them. With a
  tenth they are 0.94, 0.96 and 1.10. evalica's `newman`, which fits Davidson's model, does not
  converge if one side wins most: after a single vote, it rates winner and loser equal.
- Each model has half a virtual win and half a virtual loss, spread evenly over all others. This
  connects models that never met and keeps the unbeaten finite. Half a win for each side of every
  pair would be 1,770 votes among 60 models, and drown 5,000 real ones.
- An interval is the rating and 1.96 standard errors on either side, from a multinomial bootstrap
  over the outcomes of pairs, including virtual votes (otherwise an unbeaten model would be certain
  to stay so). With 5,000 votes it covers the truth for 0.96 of the models (0.95) without ties, 0.94
  (0.92) with 15 % of ties at random, 0.95 (0.93) with Davidson's and 0.94 (0.88) with Rao and
  Kupper's. Percentiles of 100 rounds cover some 0.02 fewer.
- Votes of a lower weight are drawn as fewer votes, which makes intervals too wide rather than too
  narrow.

Nothing here is corrected for style (the length of answers, the number of boxes): see
`style_control`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vlm_demo.arena.ratings.bradley_terry import BattleMatrix, BradleyTerry, Floats, sum_battles
from vlm_demo.arena.votes.vote_counts import PairCount

MEAN_RATING = 1000.0
"""Mean of all ratings on a leaderboard."""

POINTS_PER_LOG_ODDS = 400 / math.log(10)
"""Rating points for a factor e in the odds of winning: 400 points are a factor of 10, as in Elo."""

TIE_WEIGHT = 0.1
"""Share of a win that a tie gives to each side."""

PROVISIONAL_BELOW = 30
"""Number of votes on a model below which its rating is provisional."""

STANDARD_ERRORS = 1.96
"""Half the width of an interval in standard errors: 95 % of a normal distribution."""

MAX_ITERATIONS = 10_000
"""Largest number of iterations for the ratings; about 10 are usual."""

MAX_BOOTSTRAP_ITERATIONS = 1_000
"""Largest number of iterations for a round of the bootstrap."""

NEGLIGIBLE_GROWTH = 0.01
"""Growth in the votes on a model that would make its interval only 0.5 % narrower."""


@dataclass(frozen=True, slots=True)
class RatedModel:
    """One model on a leaderboard."""

    model: str
    rating: float
    lower: float  # the 95 % interval of the rating
    upper: float
    rank: int  # one more than the number of models whose whole interval is above this one's
    votes: int
    provisional: bool  # based on too few votes to mean much
    win_rate: float  # 0 to 1: the mean over its opponents; a tie is half a win


@dataclass(frozen=True, slots=True)
class RatingErrors:
    """How far ratings may be off."""

    matrix: BattleMatrix  # the counts that they were computed from
    standard: Floats  # standard error of each model, in points

    def still_apply(self, matrix: BattleMatrix) -> bool:
        """Whether they are good enough for these counts, which may have grown a little."""
        if matrix.models != self.matrix.models:
            return False
        before, now = self.matrix.votes.sum(axis=1), matrix.votes.sum(axis=1)
        return bool((abs(now - before) <= NEGLIGIBLE_GROWTH * before).all())


def rate_models(
    pair_counts: Iterable[PairCount], *, rounds: int = 100, seed: int = 0
) -> list[RatedModel]:
    """Rate models, best first, and by name where they are equal; [] without votes.

    Args:
        pair_counts: sums of votes, of any task, language and origin.
        rounds: number of bootstrap rounds, two or more.
        seed: together with the votes, determines what the bootstrap draws.
    """
    matrix = sum_battles(pair_counts)
    return rank_models(matrix, bootstrap_errors(matrix, rounds=rounds, seed=seed))


def rank_models(matrix: BattleMatrix, errors: RatingErrors) -> list[RatedModel]:
    """Rate models by their battles, best first, and by name where they are equal."""
    rating = compute_ratings(matrix)
    margin = STANDARD_ERRORS * errors.standard
    lower, upper = rating - margin, rating + margin
    rank = 1 + (lower > upper[:, np.newaxis]).sum(axis=1)
    votes, win_rate = matrix.votes.sum(axis=1), _win_rates(matrix)
    models = [
        RatedModel(
            model=model,
            rating=float(rating[at]),
            lower=float(lower[at]),
            upper=float(upper[at]),
            rank=int(rank[at]),
            votes=int(votes[at]),
            provisional=bool(votes[at] < PROVISIONAL_BELOW),
            win_rate=float(win_rate[at]),
        )
        for at, model in enumerate(matrix.models)
    ]
    return sorted(models, key=lambda rated: (-rated.rating, rated.model))


def compute_ratings(matrix: BattleMatrix) -> Floats:
    """Return the ratings of the models, in the order of their names."""
    if not matrix.models:
        return np.empty(0)
    model = BradleyTerry(len(matrix.models))
    strengths = model.fit(matrix.wins + TIE_WEIGHT * matrix.ties, MAX_ITERATIONS)
    return MEAN_RATING + POINTS_PER_LOG_ODDS * strengths


def bootstrap_errors(matrix: BattleMatrix, *, rounds: int = 100, seed: int = 0) -> RatingErrors:
    """Draw as many votes again, from the real and the virtual ones, and see how ratings vary."""
    if not matrix.models:
        return RatingErrors(matrix, np.empty(0))
    rng = np.random.default_rng(seed)
    model = BradleyTerry(len(matrix.models))
    wins = matrix.wins[model.winners, model.losers] + model.virtual_wins
    pairs = np.triu_indices(len(matrix.models), 1)
    outcomes = np.concatenate([wins, matrix.ties[pairs]])
    samples = rng.multinomial(round(outcomes.sum()), outcomes / outcomes.sum(), size=rounds)
    strengths = np.empty((rounds, len(matrix.models)))
    for at, votes in enumerate(samples):
        ties = np.zeros_like(matrix.ties)
        ties[pairs] = votes[len(wins) :]
        square = TIE_WEIGHT * (ties + ties.T)
        square[model.winners, model.losers] += votes[: len(wins)]
        strengths[at] = model.fit(square, MAX_BOOTSTRAP_ITERATIONS)
    return RatingErrors(matrix, POINTS_PER_LOG_ODDS * strengths.std(axis=0, ddof=1))


def _win_rates(matrix: BattleMatrix) -> Floats:
    """Average over the opponents of each model; 0.5 if none of its votes has any weight."""
    met = matrix.battles > 0
    rates = np.divide(matrix.scores, matrix.battles, out=np.zeros_like(matrix.wins), where=met)
    count = met.sum(axis=1)
    mean: Floats = np.divide(
        rates.sum(axis=1), count, out=np.full(len(count), 0.5), where=count > 0
    )
    return mean
