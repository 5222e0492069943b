"""Boards: who leads, by which votes. They follow the votes, and never hold one up."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from threading import Lock
from typing import NamedTuple, TypeVar

import numpy as np

from vlm_demo.arena.ratings.duels import Floats, gather
from vlm_demo.arena.ratings.ratings import Errors, Standing, draw_errors, ratings, standings
from vlm_demo.arena.ratings.tallies import Sums, Tally
from vlm_demo.arena.votes.chain import Head
from vlm_demo.arena.votes.selection import Selection
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote_counts import Cell

KEPT = 64
"""Boards in memory; each person may have one of their own."""

PERIODS = 60
"""At most, of a timeline."""

TIMES_AS_LONG = 20
"""As it took to draw a timeline, it is shown unchanged while votes come in."""

Matrix = tuple[tuple[float, ...], ...]
"""A row and a column for each model, best first."""

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Board:
    """How the models stand, by a choice of votes."""

    standings: tuple[Standing, ...] = ()  # best first
    wins: Matrix = ()  # of the row's model over the column's, in weights; a tie is half a win
    battles: Matrix = ()  # how often they met, in weights
    votes: int = 0

    @property
    def models(self) -> tuple[str, ...]:
        """Names, best first."""
        return tuple(standing.model for standing in self.standings)


class Choices(NamedTuple):
    """What there are votes on."""

    tasks: tuple[str, ...]
    languages: tuple[str, ...]


class Point(NamedTuple):
    """A model at the end of a period."""

    day: int  # the last of the period, since 1970-01-01 UTC
    model: str
    rating: float


class Boards:
    """All boards of a store; for any number of threads.

    Every method raises VotesError where the database cannot be read.
    """

    def __init__(self, store: VoteStore) -> None:
        """Read nothing yet."""
        self._store = store
        self._tally = Tally(store)
        self._rating = Lock()
        self._boards: OrderedDict[Selection, _Rated] = OrderedDict()
        self._drawing = Lock()
        self._timelines: OrderedDict[Selection, _Drawn] = OrderedDict()

    def board(self, selection: Selection | None = None) -> Board:
        """Return how the models stand now; rated anew only if a vote of the selection came.

        Intervals keep their width until a model has 1 % more votes, as drawing them takes longest.
        """
        selection = selection or Selection()
        with self._rating:
            cells = self._cells(selection)
            known = self._boards.get(selection)
            if known is None or known.cells != cells:
                known = _rated(cells, known)
            _keep(self._boards, selection, known)
        return known.board

    def choices(self) -> Choices:
        """Return the tasks and the languages of the votes, sorted."""
        found = self._tally.selections()
        return Choices(
            tuple(sorted({each.task for each in found} - {""})),
            tuple(sorted({each.language for each in found} - {""})),
        )

    def pair_counts(self, task: str) -> Mapping[frozenset[str], int]:
        """Return how often people have judged two models on a task."""
        cells = self._tally.cells(Selection(task))
        return {frozenset((cell.model_a, cell.model_b)): cell.votes for cell in cells}

    def timeline(self, selection: Selection | None = None) -> list[Point]:
        """Rate by all votes until the end of each day, or of a few days where there are many.

        This reads all votes: while they come in, the last drawing stays for a while.
        """
        selection = selection or Selection()
        with self._drawing:
            head = self._store.head()
            known = self._timelines.get(selection)
            if known is None or not known.holds(head, time.monotonic()):
                start = time.monotonic()
                points = _points(self._store.history(selection, PERIODS))
                end = time.monotonic()
                known = _Drawn(points, head, end + TIMES_AS_LONG * (end - start))
            _keep(self._timelines, selection, known)
        return known.points

    def _cells(self, selection: Selection) -> list[Cell]:
        if not selection.voter:
            return self._tally.cells(selection)
        own = self._store.cells(voter=selection.voter)
        return [cell for cell in own if selection.covers(cell)]


@dataclass(frozen=True, slots=True)
class _Rated:
    """A board, and what it was made of."""

    cells: list[Cell]
    errors: Errors
    board: Board


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A timeline, and what it was drawn from."""

    points: list[Point]
    head: Head
    good_until: float  # on the monotonic clock, although votes came since

    def holds(self, head: Head, now: float) -> bool:
        """Whether it may be shown; never after votes were withdrawn."""
        return head == self.head or (
            head.deletions == self.head.deletions and now < self.good_until
        )


def _keep(kept: OrderedDict[Selection, _Kept], selection: Selection, item: _Kept) -> None:
    kept[selection] = item
    kept.move_to_end(selection)
    while len(kept) > KEPT:
        kept.popitem(last=False)


def _rated(cells: list[Cell], before: _Rated | None) -> _Rated:
    duels = gather(cells)
    errors = before.errors if before and before.errors.hold(duels) else draw_errors(duels)
    standing = tuple(standings(duels, errors))
    places = [duels.models.index(each.model) for each in standing]
    best_first = np.ix_(places, places)
    wins, battles = duels.scores[best_first], duels.battles[best_first]
    votes = sum(cell.votes for cell in cells)
    return _Rated(cells, errors, Board(standing, _matrix(wins), _matrix(battles), votes))


def _matrix(square: Floats) -> Matrix:
    return tuple(map(tuple, square.tolist()))


def _points(cells: Iterable[Cell]) -> list[Point]:
    """Rate by all votes until the end of each period; cells come in the order of time."""
    points: list[Point] = []
    sums = Sums()
    for day, cast in groupby(cells, key=lambda cell: cell.day):
        for cell in cast:
            sums.add(cell)
        duels = gather(sums.cells())
        rated = zip(duels.models, ratings(duels).tolist(), strict=True)
        points += [Point(day, model, rating) for model, rating in rated]
    return points
