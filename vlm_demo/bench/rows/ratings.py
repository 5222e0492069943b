"""The arena's leaderboard: how long it takes, and how right it is where the truth is known."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from vlm_demo.arena import Contender, Vote, Winner, open_leaderboards, open_votes
from vlm_demo.arena.ratings.ratings import MEAN_RATING, POINTS_PER_LOG_ODDS, RatedModel, rate_models
from vlm_demo.arena.votes.vote_counts import PairCount
from vlm_demo.bench.context import BenchContext, Measurement
from vlm_demo.bench.results import BenchRow, median_row
from vlm_demo.settings import Settings
from vlm_demo.values import Task

MODELS = 60
FEW_VOTES = 5_000
NEW_VOTES = 100
TRIALS = 50
TIES = 0.15  # share of all votes

TASKS = (Task.CHAT, Task.CAPTION, Task.VQA, Task.GROUNDING)
LANGUAGES = ("en", "de", "ja")
VOTES_A_DAY = 10_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

Floats = NDArray[np.float64]


def _measure_leaderboard(context: BenchContext) -> Iterator[BenchRow]:
    """Measure the first leaderboard of a database on disk, and the next after a few more votes."""
    count = FEW_VOTES if context.options.tiny else context.options.votes
    rng = np.random.default_rng(context.options.seed)
    strengths = _draw_strengths(rng)
    first, refreshed, taus = [], [], []
    context.report(f"writing {count:,} votes")
    with closing(open_votes(Settings(votes=str(context.folder / "leaderboard.db")))) as store:
        store.add_all(_draw_votes(strengths, count, rng))
        for repeat in context.repeats("rating models"):
            leaderboards = open_leaderboards(store)
            start = time.perf_counter()
            leaderboard = leaderboards.leaderboard()
            first.append(time.perf_counter() - start)
            taus.append(_kendall_tau(leaderboard.models, strengths))
            store.add_all(_draw_votes(strengths, NEW_VOTES, rng, after=count + repeat * NEW_VOTES))
            start = time.perf_counter()
            leaderboards.leaderboard()
            refreshed.append(time.perf_counter() - start)
    yield median_row("board_s", first)
    yield median_row("board_refresh_s", refreshed)
    yield median_row("kendall_tau", taus)


def _measure_coverage(context: BenchContext) -> Iterator[BenchRow]:
    """Measure the share of models whose interval contains the truth."""
    trials = 2 if context.options.tiny else TRIALS
    rng = np.random.default_rng(context.options.seed)
    context.report(f"rating {FEW_VOTES:,} votes, {2 * trials} times")
    without_ties, with_ties = (
        [_coverage(rng, ties) for _ in range(trials)] for ties in (0.0, TIES)
    )
    note = f"15 % ties; without ties {np.mean(without_ties):.3f}; it should be 0.99 at most"
    yield BenchRow(
        "coverage", float(np.mean(with_ties)), (min(with_ties), max(with_ties)), note=note
    )


def _coverage(rng: np.random.Generator, ties: float) -> float:
    """Rate votes drawn at random; return the share of intervals that contain the truth."""
    strengths = _draw_strengths(rng)
    rated = rate_models(_draw_counts(strengths, FEW_VOTES, ties, rng))
    truth = {
        _name(index): MEAN_RATING + POINTS_PER_LOG_ODDS * value
        for index, value in enumerate(strengths)
    }
    return float(np.mean([each.lower <= truth[each.model] <= each.upper for each in rated]))


def _draw_strengths(rng: np.random.Generator) -> Floats:
    """Draw the logarithms of the odds to win, with a mean of 0."""
    values = rng.normal(size=MODELS)
    centred: Floats = values - values.mean()
    return centred


def _draw_outcomes(
    strengths: Floats, count: int, ties: float, rng: np.random.Generator
) -> Iterator[tuple[int, int, Winner]]:
    """Let two models drawn at random meet, `count` times."""
    a = rng.integers(0, MODELS, count)
    b = (a + rng.integers(1, MODELS, count)) % MODELS
    a_wins = rng.random(count) < 1 / (1 + np.exp(strengths[b] - strengths[a]))
    tied = rng.random(count) < ties
    winners = np.where(tied, Winner.TIE, np.where(a_wins, Winner.A, Winner.B))
    yield from zip(a.tolist(), b.tolist(), map(Winner, winners.tolist()), strict=True)


def _draw_counts(
    strengths: Floats, count: int, ties: float, rng: np.random.Generator
) -> Iterator[PairCount]:
    for a, b, winner in _draw_outcomes(strengths, count, ties, rng):
        wins = float(winner is Winner.A), float(winner is Winner.B), float(winner is Winner.TIE)
        yield PairCount(Task.VQA, "en", "here", False, 0, _name(a), _name(b), *wins, 1)


def _draw_votes(
    strengths: Floats, count: int, rng: np.random.Generator, *, after: int = 0
) -> Iterator[Vote]:
    for number, (a, b, winner) in enumerate(_draw_outcomes(strengths, count, TIES, rng), after):
        when = BEGIN + number * timedelta(days=1) / VOTES_A_DAY
        yield Vote(
            battle=str(number),
            a=Contender(model=_name(a)),
            b=Contender(model=_name(b)),
            winner=winner,
            task=TASKS[number % len(TASKS)],
            language=LANGUAGES[number % len(LANGUAGES)],
            parameters={},
            began_at=when,
            ended_at=when,
            voted_at=when,
        )


def _kendall_tau(rated: Sequence[RatedModel], strengths: Floats) -> float:
    """Return how far the order agrees with the truth: 1 completely, 0 no more than by chance."""
    truth = {_name(index): value for index, value in enumerate(strengths)}
    values = np.array([truth[each.model] for each in rated])
    upper = np.triu_indices(len(values), 1)
    return float(np.sign(values[upper[0]] - values[upper[1]]).mean())


def _name(index: int) -> str:
    return f"model-{index:02}"


MEASUREMENTS = (
    Measurement(("board_s", "board_refresh_s", "kendall_tau"), _measure_leaderboard),
    Measurement(("coverage",), _measure_coverage),
)
