"""Leaderboards, which follow the votes and never delay one."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from threading import Lock
from typing import NamedTuple, TypeVar

import numpy as np

from vlm_demo.arena.ratings.bradley_terry import Floats, sum_battles
from vlm_demo.arena.ratings.ratings import (
    RatedModel,
    RatingErrors,
    bootstrap_errors,
    compute_ratings,
    rank_models,
)
from vlm_demo.arena.ratings.style_control import MAX_VOTES, control_style
from vlm_demo.arena.ratings.vote_tally import PairSums, VoteTally
from vlm_demo.arena.votes.chain import ChainHead
from vlm_demo.arena.votes.judgements import JudgeAgreement, JudgementStore
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Selection
from vlm_demo.arena.votes.vote_counts import PairCount

MAX_CACHED = 64
"""Largest number of leaderboards and timelines in memory; each voter may have their own."""

MAX_PERIODS = 60
"""Largest number of periods in a timeline."""

TIMELINE_LIFETIME = 20
"""How long a timeline stays unchanged while votes come in, in multiples of its computing time."""

Matrix = tuple[tuple[float, ...], ...]
"""A row and a column for each model, best first."""

_Cached = TypeVar("_Cached")
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The rated models of a selection of votes."""

    models: tuple[RatedModel, ...] = ()  # best first
    wins: Matrix = ()  # of the row's model over the column's, in weights; a tie is half a win
    battles: Matrix = ()  # how often they met, in weights
    votes: int = 0

    @property
    def model_names(self) -> tuple[str, ...]:
        """Names, best first."""
        return tuple(rated.model for rated in self.models)


class LeaderboardChoices(NamedTuple):
    """The tasks, languages and categories that have votes."""

    tasks: tuple[str, ...]
    languages: tuple[str, ...]
    categories: tuple[str, ...] = ()


class TimelinePoint(NamedTuple):
    """The rating of a model at the end of a period."""

    day: int  # the last day of the period, since 1970-01-01 UTC
    model: str
    rating: float


class Leaderboards:
    """The leaderboards of a store, for any number of threads.

    Every method raises VotesError when the database cannot be read.
    """

    def __init__(self, store: VoteStore, judgements: JudgementStore | None = None) -> None:
        """Take the votes, and what judge models say of them; nothing is read yet."""
        self._store = store
        self._judgements = judgements
        self._judge_lock = Lock()
        self._judged: OrderedDict[tuple[str, Selection], _CachedLeaderboard] = OrderedDict()
        self._tally = VoteTally(store)
        self._rating_lock = Lock()
        self._leaderboards: OrderedDict[Selection, _CachedLeaderboard] = OrderedDict()
        self._style_lock = Lock()
        self._styled: OrderedDict[Selection, tuple[ChainHead, tuple[RatedModel, ...]]] = (
            OrderedDict()
        )
        self._timeline_lock = Lock()
        self._timelines: OrderedDict[Selection, _CachedTimeline] = OrderedDict()

    def leaderboard(self, selection: Selection | None = None) -> Leaderboard:
        """Return the current leaderboard, rated again only if a vote of the selection came.

        Intervals keep their width until a model has 1 % more votes: the bootstrap takes longest.
        """
        selection = selection or Selection()
        with self._rating_lock:
            counts = self._select_counts(selection)
            cached = self._leaderboards.get(selection)
            if cached is None or cached.pair_counts != counts:
                cached = _rate(counts, cached)
            _put(self._leaderboards, selection, cached)
        return cached.leaderboard

    def style_controlled(self, selection: Selection | None = None) -> Leaderboard:
        """Return the leaderboard as if all answers had the same length and number of boxes.

        It is computed by the newest votes, again only when one has come.
        """
        selection = selection or Selection()
        plain = self.leaderboard(selection)
        with self._style_lock:
            head = self._store.head()
            cached = self._styled.get(selection)
            if cached is None or cached[0] != head:
                votes = self._store.read(after=max(0, head.seq - MAX_VOTES), voter=selection.voter)
                models = control_style(plain.models, (vote for _, vote in votes), selection)
                cached = head, models
            _put(self._styled, selection, cached)
        return _reorder(plain, cached[1])

    def judge_leaderboard(self, judge: str, selection: Selection | None = None) -> Leaderboard:
        """Return what a judge model's board looks like, of people's battles on whole answers."""
        if self._judgements is None:
            return Leaderboard()
        selection = selection or Selection()
        with self._judge_lock:
            counts = [
                each
                for each in self._judgements.count_pairs(judge, selection)
                if each.belongs_to(replace(selection, boxes=False))
            ]
            cached = self._judged.get((judge, selection))
            if cached is None or cached.pair_counts != counts:
                cached = _rate(counts, cached)
            _put(self._judged, (judge, selection), cached)
        return cached.leaderboard

    def find_judge(self, selection: Selection | None = None) -> tuple[str, JudgeAgreement] | None:
        """Return the judge model with the most judgements, and how it agrees with people.

        None: no model has judged.
        """
        judges = self._judgements.judges() if self._judgements else ()
        if not judges or self._judgements is None:
            return None
        return judges[0], self._judgements.agreement(judges[0], selection or Selection())

    def choices(self) -> LeaderboardChoices:
        """Return the tasks, languages and categories of the votes, sorted."""
        selections = self._tally.selections()
        return LeaderboardChoices(
            tuple(sorted({each.task for each in selections} - {""})),
            tuple(sorted({each.language for each in selections} - {""})),
            tuple(sorted({each.category for each in selections} - {""})),
        )

    def count_votes(self, task: str) -> Mapping[frozenset[str], int]:
        """Return how often people have judged each pair of models on a task."""
        counts = self._tally.pair_counts(Selection(task))
        return {frozenset((each.model_a, each.model_b)): each.votes for each in counts}

    def timeline(self, selection: Selection | None = None) -> list[TimelinePoint]:
        """Rate by all votes until the end of each day, or of a few days if there are many.

        This reads all votes, so while votes come in, the last timeline is kept for a while.
        """
        selection = selection or Selection()
        with self._timeline_lock:
            head = self._store.head()
            cached = self._timelines.get(selection)
            if cached is None or not cached.is_valid(head, time.monotonic()):
                start = time.monotonic()
                points = _rate_periods(self._store.count_pairs_by_period(selection, MAX_PERIODS))
                end = time.monotonic()
                cached = _CachedTimeline(points, head, end + TIMELINE_LIFETIME * (end - start))
            _put(self._timelines, selection, cached)
        return cached.points

    def _select_counts(self, selection: Selection) -> list[PairCount]:
        if not selection.voter:
            return self._tally.pair_counts(selection)
        own = self._store.count_pairs(voter=selection.voter)
        return [each for each in own if each.belongs_to(selection)]


@dataclass(frozen=True, slots=True)
class _CachedLeaderboard:
    """A leaderboard, and what it was computed from."""

    pair_counts: list[PairCount]
    errors: RatingErrors
    leaderboard: Leaderboard


@dataclass(frozen=True, slots=True)
class _CachedTimeline:
    """A timeline, and what it was computed from."""

    points: list[TimelinePoint]
    head: ChainHead
    valid_until: float  # on the monotonic clock, although votes have come since

    def is_valid(self, head: ChainHead, now: float) -> bool:
        """Whether it may be shown, which it may not after a withdrawal."""
        return head == self.head or (
            head.deletions == self.head.deletions and now < self.valid_until
        )


def _put(cache: OrderedDict[_Key, _Cached], key: _Key, item: _Cached) -> None:
    cache[key] = item
    cache.move_to_end(key)
    while len(cache) > MAX_CACHED:
        cache.popitem(last=False)


def _rate(counts: list[PairCount], before: _CachedLeaderboard | None) -> _CachedLeaderboard:
    matrix = sum_battles(counts)
    if before and before.errors.still_apply(matrix):
        errors = before.errors
    else:
        errors = bootstrap_errors(matrix)
    models = tuple(rank_models(matrix, errors))
    order = [matrix.models.index(each.model) for each in models]
    best_first = np.ix_(order, order)
    wins, battles = matrix.scores[best_first], matrix.battles[best_first]
    votes = sum(each.votes for each in counts)
    leaderboard = Leaderboard(models, _to_matrix(wins), _to_matrix(battles), votes)
    return _CachedLeaderboard(counts, errors, leaderboard)


def _reorder(leaderboard: Leaderboard, models: tuple[RatedModel, ...]) -> Leaderboard:
    """Put models in the place of those of a leaderboard, in another order."""
    before = leaderboard.model_names
    order = [before.index(each.model) for each in models]

    def sort(matrix: Matrix) -> Matrix:
        return tuple(tuple(matrix[row][column] for column in order) for row in order)

    return Leaderboard(models, sort(leaderboard.wins), sort(leaderboard.battles), leaderboard.votes)


def _to_matrix(square: Floats) -> Matrix:
    return tuple(map(tuple, square.tolist()))


def _rate_periods(counts: Iterable[PairCount]) -> list[TimelinePoint]:
    """Rate by all votes until the end of each period; counts come in the order of time."""
    points: list[TimelinePoint] = []
    sums = PairSums()
    for day, period in groupby(counts, key=lambda count: count.day):
        for count in period:
            sums.add(count)
        matrix = sum_battles(sums.pair_counts())
        ratings = zip(matrix.models, compute_ratings(matrix).tolist(), strict=True)
        points += [TimelinePoint(day, model, rating) for model, rating in ratings]
    return points
