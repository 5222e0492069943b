"""The arena's board: how long it takes, and how right it is about votes whose truth is known."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from vlm_demo.arena import Contender, Vote, Winner, open_boards, open_votes
from vlm_demo.arena.ratings.ratings import MEAN, POINTS, Standing, rate
from vlm_demo.arena.votes.vote_counts import Cell
from vlm_demo.bench.context import BenchContext, Group
from vlm_demo.bench.rows import Row, row_of
from vlm_demo.settings import Settings
from vlm_demo.values import Task

MODELS = 60
FEW_VOTES = 5_000
NEW_VOTES = 100
TRIALS = 50
TIES = 0.15
"""Of all votes, whoever meets."""

TASKS = (Task.CHAT, Task.CAPTION, Task.VQA, Task.GROUNDING)
LANGUAGES = ("en", "de", "ja")
VOTES_A_DAY = 10_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

Floats = NDArray[np.float64]


def _boards(workshop: BenchContext) -> Iterator[Row]:
    """From a database on disk that nobody has read yet, and after a few votes more."""
    count = FEW_VOTES if workshop.options.tiny else workshop.options.votes
    rng = np.random.default_rng(workshop.options.seed)
    strengths = _strengths(rng)
    first, refreshed, taus = [], [], []
    workshop.say(f"writing {count:,} votes")
    with closing(open_votes(Settings(votes=str(workshop.folder / "board.db")))) as store:
        store.add_all(_votes(strengths, count, rng))
        for repeat in workshop.repeats("rating models"):
            boards = open_boards(store)
            start = time.perf_counter()
            board = boards.board()
            first.append(time.perf_counter() - start)
            taus.append(_kendall_tau(board.standings, strengths))
            store.add_all(_votes(strengths, NEW_VOTES, rng, after=count + repeat * NEW_VOTES))
            start = time.perf_counter()
            boards.board()
            refreshed.append(time.perf_counter() - start)
    yield row_of("board_s", first)
    yield row_of("board_refresh_s", refreshed)
    yield row_of("kendall_tau", taus)


def _coverage(workshop: BenchContext) -> Iterator[Row]:
    """The share of models whose interval holds the truth."""
    trials = 2 if workshop.options.tiny else TRIALS
    rng = np.random.default_rng(workshop.options.seed)
    workshop.say(f"rating {FEW_VOTES:,} votes, {2 * trials} times")
    without, tied = ([_covered(rng, ties) for _ in range(trials)] for ties in (0.0, TIES))
    note = f"15 % ties; without ties {np.mean(without):.3f}; it should be 0.99 at most"
    yield Row("coverage", float(np.mean(tied)), (min(tied), max(tied)), note=note)


def _covered(rng: np.random.Generator, ties: float) -> float:
    strengths = _strengths(rng)
    standings = rate(_cells(strengths, FEW_VOTES, ties, rng))
    truth = {_name(place): MEAN + POINTS * value for place, value in enumerate(strengths)}
    return float(np.mean([each.lower <= truth[each.model] <= each.upper for each in standings]))


def _strengths(rng: np.random.Generator) -> Floats:
    """Logarithms of the odds to win, with a mean of 0."""
    drawn = rng.normal(size=MODELS)
    centred: Floats = drawn - drawn.mean()
    return centred


def _outcomes(
    strengths: Floats, count: int, ties: float, rng: np.random.Generator
) -> Iterator[tuple[int, int, Winner]]:
    """Let two different models meet by chance, again and again."""
    a = rng.integers(0, MODELS, count)
    b = (a + rng.integers(1, MODELS, count)) % MODELS
    a_wins = rng.random(count) < 1 / (1 + np.exp(strengths[b] - strengths[a]))
    tied = rng.random(count) < ties
    winners = np.where(tied, Winner.TIE, np.where(a_wins, Winner.A, Winner.B))
    yield from zip(a.tolist(), b.tolist(), map(Winner, winners.tolist()), strict=True)


def _cells(strengths: Floats, count: int, ties: float, rng: np.random.Generator) -> Iterator[Cell]:
    for a, b, winner in _outcomes(strengths, count, ties, rng):
        wins = float(winner is Winner.A), float(winner is Winner.B), float(winner is Winner.TIE)
        yield Cell(Task.VQA, "en", "here", False, 0, _name(a), _name(b), *wins, 1)


def _votes(
    strengths: Floats, count: int, rng: np.random.Generator, *, after: int = 0
) -> Iterator[Vote]:
    for place, (a, b, winner) in enumerate(_outcomes(strengths, count, TIES, rng), after):
        when = BEGIN + place * timedelta(days=1) / VOTES_A_DAY
        yield Vote(
            battle=str(place),
            a=Contender(model=_name(a)),
            b=Contender(model=_name(b)),
            winner=winner,
            task=TASKS[place % len(TASKS)],
            language=LANGUAGES[place % len(LANGUAGES)],
            parameters={},
            began_at=when,
            ended_at=when,
            voted_at=when,
        )


def _kendall_tau(standings: Sequence[Standing], strengths: Floats) -> float:
    """How far the order agrees with the truth: 1 all of it, 0 as by chance."""
    truth = {_name(place): value for place, value in enumerate(strengths)}
    values = np.array([truth[standing.model] for standing in standings])
    upper = np.triu_indices(len(values), 1)
    return float(np.sign(values[upper[0]] - values[upper[1]]).mean())


def _name(place: int) -> str:
    return f"model-{place:02}"


GROUPS = (
    Group(("board_s", "board_refresh_s", "kendall_tau"), _boards),
    Group(("coverage",), _coverage),
)
