"""Ratings corrected for style: as if all answers were equally long and had as many boxes.

Bradley-Terry with two more terms, the differences in length and in the number of boxes, each
divided by their sum, as https://lmsys.org/blog/2024-08-28-style-control/ describes. Intervals come
from the curvature at the solution.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from vlm_demo.arena.ratings.bradley_terry import Floats
from vlm_demo.arena.ratings.ratings import (
    MEAN_RATING,
    POINTS_PER_LOG_ODDS,
    STANDARD_ERRORS,
    TIE_WEIGHT,
    RatedModel,
)
from vlm_demo.arena.votes.categories import category_of_task
from vlm_demo.arena.votes.vote import Contender, Selection, Vote, Winner

MAX_VOTES = 20_000
"""Number of the newest votes that are read: their texts are long."""

PRIOR = 0.25
"""Curvature that each term has without any vote: that of half a win and half a loss."""

MAX_ITERATIONS = 50
"""Largest number of Newton's steps; about 6 are usual."""

TOLERANCE = 1e-9
"""Change of all terms below which iteration ends."""

_NUMBER = r"\s*-?\d+(?:\.\d+)?\s*"
_BOX = re.compile(
    rf"[\[(]{_NUMBER}(?:,{_NUMBER}){{3}}[\])]"  # [x1, y1, x2, y2]
    r"|(?:<loc_?\d+>){4}|(?:<patch_index_\d+>){2}"
)
"""Matches a box in the raw output of most families."""


def control_style(
    models: Sequence[RatedModel], votes: Iterable[Vote], selection: Selection
) -> tuple[RatedModel, ...]:
    """Rate models again by the votes of a selection, best first; as they were without votes.

    Args:
        models: as they are rated without a correction; their counts stay.
        votes: any votes; those that do not belong to the selection are left out.
        selection: which votes count.
    """
    index = {rated.model: at for at, rated in enumerate(models)}
    rows = [
        (index[vote.a.model], index[vote.b.model], *_outcome(vote, selection), *_style(vote))
        for vote in votes
        if _belongs(vote, selection) and {vote.a.model, vote.b.model} <= index.keys()
    ]
    if not rows:
        return tuple(models)
    table = np.array(rows, dtype=np.float64)
    strengths, errors = _fit(table, len(models))
    margin = STANDARD_ERRORS * POINTS_PER_LOG_ODDS * errors
    ratings = MEAN_RATING + POINTS_PER_LOG_ODDS * strengths
    lower, upper = ratings - margin, ratings + margin
    ranks = 1 + (lower > upper[:, np.newaxis]).sum(axis=1)
    rated = [
        replace(
            model,
            rating=float(ratings[at]),
            lower=float(lower[at]),
            upper=float(upper[at]),
            rank=int(ranks[at]),
        )
        for at, model in enumerate(models)
    ]
    return tuple(sorted(rated, key=lambda each: (-each.rating, each.model)))


def _fit(table: Floats, models: int) -> tuple[Floats, Floats]:
    """Return the strengths, with a mean of 0, and their standard errors.

    Args:
        table: a row for each vote: the models, the weights of a's and b's win, the style.
        models: their number.
    """
    a, b = table[:, 0].astype(int), table[:, 1].astype(int)
    wins_a, wins_b, style = table[:, 2], table[:, 3], table[:, 4:]
    design = np.zeros((len(table), models + style.shape[1]))
    at = np.arange(len(table))
    design[at, a] = 1
    design[at, b] = -1
    design[:, models:] = style
    terms = np.zeros(design.shape[1])
    curvature = np.eye(len(terms))
    for _ in range(MAX_ITERATIONS):
        chance = 1 / (1 + np.exp(-design @ terms))
        slope = design.T @ (wins_a - (wins_a + wins_b) * chance) - PRIOR * terms
        weight = (wins_a + wins_b) * chance * (1 - chance)
        curvature = design.T @ (weight[:, np.newaxis] * design) + PRIOR * np.eye(len(terms))
        step = np.linalg.solve(curvature, slope)
        terms += step
        if np.abs(step).max() < TOLERANCE:
            break
    covariance = np.linalg.inv(curvature)[:models, :models]
    centring = np.eye(models) - 1 / models
    errors: Floats = np.sqrt(np.diag(centring @ covariance @ centring))
    strengths: Floats = terms[:models] - terms[:models].mean()
    return strengths, errors


def _belongs(vote: Vote, selection: Selection) -> bool:
    return (
        vote.exclusion is None
        and (vote.origin == "automatic") == selection.automatic
        and selection.task in ("", vote.task)
        and selection.language in ("", vote.language)
        and selection.voter in ("", vote.voter)
        and selection.category in ("", vote.category or category_of_task(vote.task))
        and (vote.boxes is not None or not selection.boxes)
        and vote.a.model != vote.b.model
    )


def _outcome(vote: Vote, selection: Selection) -> tuple[float, float]:
    """Return the weights of a win of a and of b."""
    winner = vote.boxes if selection.boxes else vote.winner
    if winner is Winner.A:
        return vote.weight, 0.0
    if winner is Winner.B:
        return 0.0, vote.weight
    return TIE_WEIGHT * vote.weight, TIE_WEIGHT * vote.weight


def _style(vote: Vote) -> tuple[float, float]:
    """Return by how much a is longer than b, and has more boxes, each from -1 to 1."""
    (length_a, boxes_a), (length_b, boxes_b) = measure_style(vote.a), measure_style(vote.b)
    return _difference(length_a, length_b), _difference(boxes_a, boxes_b)


def measure_style(side: Contender) -> tuple[int, int]:
    """Return the number of characters of all answers of a side, without boxes, and of boxes."""
    texts = [_BOX.subn("", output) for output in side.outputs]
    return sum(len(text.strip()) for text, _ in texts), sum(count for _, count in texts)


def _difference(one: int, other: int) -> float:
    return (one - other) / (one + other) if one + other else 0.0
