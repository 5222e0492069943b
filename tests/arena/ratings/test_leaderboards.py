"""Leaderboards follow the votes, read only new ones, and keep apart what must not be mixed."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.databases import random_votes, some_vote

from vlm_demo.arena.ratings import leaderboards as module
from vlm_demo.arena.ratings.leaderboards import (
    Leaderboard,
    LeaderboardChoices,
    Leaderboards,
    Selection,
)
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, Vote, Winner
from vlm_demo.arena.votes.vote_counts import PairCount
from vlm_demo.errors import VotesError
from vlm_demo.values import Task

battles = map(str, itertools.count())


def vote(a: str, b: str, winner: Winner, **changes: Any) -> Vote:
    sides = {"a": Contender(model=a), "b": Contender(model=b)}
    return some_vote(next(battles), winner=winner, **sides, **changes)


def cast(store: VoteStore, *votes: Vote) -> None:
    store.add_all(votes)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VoteStore]:
    with closing(VoteStore(str(tmp_path / "votes.db"))) as store:
        yield store


class Watched(VoteStore):
    """Notes what is read of it."""

    def __init__(self, votes: str) -> None:
        super().__init__(votes)
        self.read_after: list[int] = []
        self.rows = 0

    def count_pairs(self, **choice: Any) -> list[PairCount]:
        found = super().count_pairs(**choice)
        self.read_after.append(choice.get("after", 0))
        self.rows += sum(count.votes for count in found)
        return found


@pytest.fixture
def watched(votes_url) -> Iterator[Watched]:
    with closing(Watched(votes_url)) as store:
        yield store


def test_a_store_without_votes_has_an_empty_board(store):
    leaderboards = Leaderboards(store)

    assert leaderboards.leaderboard() == Leaderboard()
    assert leaderboards.leaderboard().model_names == ()
    assert leaderboards.choices() == LeaderboardChoices((), ())
    assert leaderboards.timeline() == []
    assert leaderboards.count_votes("vqa") == {}


def test_a_board_counts_wins_and_battles_best_first(store):
    cast(store, *(vote("x", "y", Winner.B) for _ in range(6)))
    cast(store, vote("y", "x", Winner.B), vote("x", "y", Winner.TIE), vote("z", "x", Winner.A))
    cast(store, vote("y", "x", Winner.BOTH_BAD, weight=0.5))

    board = Leaderboards(store).leaderboard()

    assert set(board.model_names[:2]) == {"y", "z"}
    assert board.model_names[2] == "x"
    x, y, z = map(board.model_names.index, "xyz")
    assert board.wins[y][x] == 6.75
    assert board.wins[x][y] == 1.75
    assert board.battles[x][y] == board.battles[y][x] == 8.5
    assert board.wins[z][x] == board.battles[z][x] == 1
    assert board.battles[y][z] == board.battles[y][y] == 0
    assert board.votes == 10
    assert {each.model: each.votes for each in board.models} == {"x": 10, "y": 9, "z": 1}


def test_only_new_votes_are_read(watched):
    cast(watched, *random_votes(300))
    leaderboards = Leaderboards(watched)
    before = leaderboards.leaderboard()
    cast(watched, *(vote("new", "smolvlm", Winner.A, task=Task.CHAT) for _ in range(5)))

    after = leaderboards.leaderboard()

    assert watched.read_after == [0, 300]
    assert watched.rows == 300 + 5 + sum(one.boxes is not None for one in random_votes(300))
    assert after.votes == before.votes + 5 == 305
    assert "new" in after.model_names
    assert after == Leaderboards(watched).leaderboard()


def test_nothing_is_computed_again_where_nothing_changed(watched):
    cast(watched, vote("x", "y", Winner.A, task=Task.CHAT), vote("x", "y", Winner.A, task=Task.VQA))
    leaderboards = Leaderboards(watched)
    chat, vqa = (
        leaderboards.leaderboard(Selection("chat")),
        leaderboards.leaderboard(Selection("vqa")),
    )

    assert leaderboards.leaderboard(Selection("chat")) is chat
    assert watched.read_after == [0]
    cast(watched, vote("x", "y", Winner.A, task=Task.CHAT))
    assert leaderboards.leaderboard(Selection("chat")) is not chat
    assert leaderboards.leaderboard(Selection("vqa")) is vqa


def test_intervals_keep_their_width_for_a_few_votes_of_many(store, monkeypatch):
    drawn = []
    draw = module.bootstrap_errors
    monkeypatch.setattr(module, "bootstrap_errors", lambda duels: drawn.append(1) or draw(duels))
    cast(store, *(vote("x", "y", Winner.A) for _ in range(300)), vote("x", "y", Winner.B))
    leaderboards = Leaderboards(store)
    before = leaderboards.leaderboard()
    cast(store, vote("x", "y", Winner.A), vote("x", "y", Winner.A))

    after = leaderboards.leaderboard()

    assert (after.votes, drawn) == (303, [1])
    (was, _), (now, _) = before.models, after.models
    assert now.rating > was.rating
    assert now.upper - now.lower == pytest.approx(was.upper - was.lower)
    cast(store, vote("x", "y", Winner.A), vote("x", "y", Winner.A))
    assert leaderboards.leaderboard() == Leaderboards(store).leaderboard()
    cast(store, vote("x", "z", Winner.A))
    assert leaderboards.leaderboard() == Leaderboards(store).leaderboard()


def test_withdrawn_votes_leave_the_board(watched):
    cast(watched, *random_votes(100), *random_votes(50, seed=1))
    leaderboards = Leaderboards(watched)
    leaderboards.leaderboard()
    timeline = leaderboards.timeline()

    watched.delete(voter="voter-3")

    left = [one for seed, n in ((0, 100), (1, 50)) for one in random_votes(n, seed)]
    left = [one for one in left if one.voter != "voter-3"]
    assert leaderboards.leaderboard().votes == len(left) < 150
    assert leaderboards.leaderboard() == Leaderboards(watched).leaderboard()
    assert leaderboards.timeline() == Leaderboards(watched).timeline() != timeline
    watched.delete(battle=left[0].battle)
    cast(watched, vote("x", "y", Winner.A))
    assert leaderboards.leaderboard().votes == len(left)


def test_a_database_that_was_put_in_place_of_another_is_read_anew(tmp_path):
    path, other = tmp_path / "votes.db", tmp_path / "other.db"
    with closing(VoteStore(str(path))) as store, closing(VoteStore(str(other))) as second:
        cast(store, vote("x", "y", Winner.A), vote("x", "y", Winner.A))
        cast(second, vote("p", "q", Winner.A))
        leaderboards = Leaderboards(store)
        leaderboards.leaderboard()
        store.close()
        second.close()
        for file in tmp_path.glob("votes.db*"):
            file.unlink()
        other.rename(path)

        assert leaderboards.leaderboard().model_names == ("p", "q")


def test_each_selection_has_the_votes_that_it_names(store):
    votes = random_votes(400)
    automatic = [
        vote("smolvlm", "qwen2.5-vl", Winner.A, origin=Origin.AUTOMATIC, task=Task.GROUNDING)
        for _ in range(7)
    ]
    imported = [vote("elsewhere", "smolvlm", Winner.B, origin=Origin.IMPORTED) for _ in range(3)]
    excluded = [vote("smolvlm", "named", Winner.B, exclusion=Exclusion.IDENTITY)]
    cast(store, *votes, *automatic, *imported, *excluded)
    leaderboards = Leaderboards(store)

    def count(**choice: Any) -> int:
        return leaderboards.leaderboard(Selection(**choice)).votes

    def expected(**fields: Any) -> int:
        return sum(all(getattr(one, k) == v for k, v in fields.items()) for one in votes)

    assert count() == 400 + 3
    assert count(task="chat") == expected(task=Task.CHAT) + 3
    assert count(language="ja") == expected(language="ja")
    assert count(task="chat", language="en") == expected(task=Task.CHAT, language="en")
    assert count(boxes=True) == sum(one.boxes is not None for one in votes)
    assert count(voter="voter-4") == expected(voter="voter-4") > 0
    assert count(voter="voter-4", task="chat") == expected(voter="voter-4", task=Task.CHAT)
    assert count(voter="nobody") == 0
    assert count(automatic=True) == count(automatic=True, task="grounding") == 7
    assert count(automatic=True, task="chat") == 0
    assert leaderboards.leaderboard(Selection(automatic=True)).model_names == (
        "smolvlm",
        "qwen2.5-vl",
    )
    assert "elsewhere" in leaderboards.leaderboard().model_names
    assert "named" not in leaderboards.leaderboard().model_names
    assert leaderboards.choices() == LeaderboardChoices(
        ("chat", "grounding"), ("en", "ja"), ("other",)
    )


def test_votes_in_no_known_language_are_counted_once(store):
    cast(store, vote("x", "y", Winner.A), vote("x", "y", Winner.A, language="de"))
    leaderboards = Leaderboards(store)

    assert leaderboards.leaderboard().votes == 2
    assert leaderboards.leaderboard(Selection(language="de")).votes == 1
    assert leaderboards.choices().languages == ("de",)


def test_boxes_are_rated_by_the_votes_on_them(store):
    cast(store, *(vote("x", "y", Winner.A, boxes=Winner.B) for _ in range(20)))
    leaderboards = Leaderboards(store)

    assert leaderboards.leaderboard().model_names == ("x", "y")
    assert leaderboards.leaderboard(Selection(boxes=True)).model_names == ("y", "x")


def test_pairs_are_counted_by_people_of_a_task_however_they_stood(store):
    cast(store, vote("x", "y", Winner.A, boxes=Winner.A), vote("y", "x", Winner.TIE))
    cast(store, vote("x", "z", Winner.A, origin=Origin.IMPORTED, weight=0.1))
    cast(store, vote("x", "z", Winner.A, origin=Origin.AUTOMATIC))
    cast(store, vote("y", "z", Winner.A, task=Task.VQA))
    leaderboards = Leaderboards(store)

    assert leaderboards.count_votes("chat") == {frozenset("xy"): 2, frozenset("xz"): 1}
    assert leaderboards.count_votes("vqa") == {frozenset("yz"): 1}


# Over time


def on_day(day: int, count: int, winner: Winner, **changes: Any) -> list[Vote]:
    when = datetime(1970, 1, 1, 23, 59, tzinfo=UTC) + timedelta(days=day)
    return [vote("x", "y", winner, voted_at=when, **changes) for _ in range(count)]


def test_a_timeline_has_the_rating_at_the_end_of_each_day(store):
    cast(store, *on_day(20_000, 30, Winner.A), *on_day(20_003, 90, Winner.B))
    cast(store, *on_day(20_004, 5, Winner.A, task=Task.VQA))

    points = Leaderboards(store).timeline(Selection("chat"))

    assert [(point.day, point.model) for point in points] == [
        *((20_000, "x"), (20_000, "y"), (20_003, "x"), (20_003, "y")),
    ]
    assert points[0].rating > points[1].rating
    board = Leaderboards(store).leaderboard(Selection("chat"))
    last = {point.model: point.rating for point in points if point.day == 20_003}
    assert last == pytest.approx({each.model: each.rating for each in board.models})


def test_a_long_time_has_few_points_from_its_beginning_to_its_end(store):
    cast(store, *(one for day in range(200) for one in on_day(20_000 + day, 1, Winner.A)))

    days = sorted({point.day for point in Leaderboards(store).timeline()})

    assert len(days) == 50  # of four days each
    assert (days[0], days[-1]) == (20_003, 20_199)
    board = Leaderboards(store).leaderboard()
    last = [point.rating for point in Leaderboards(store).timeline() if point.day == days[-1]]
    assert sorted(last) == pytest.approx(sorted(each.rating for each in board.models))


@pytest.mark.parametrize(("times_as_long", "days"), [(0, {20_000, 20_001}), (1e9, {20_000})])
def test_a_timeline_is_shown_for_a_while_before_it_is_drawn_again(
    store, monkeypatch, times_as_long, days
):
    monkeypatch.setattr(module, "TIMELINE_LIFETIME", times_as_long)
    cast(store, *on_day(20_000, 1, Winner.A))
    leaderboards = Leaderboards(store)
    leaderboards.timeline()

    cast(store, *on_day(20_001, 1, Winner.A))

    assert {point.day for point in leaderboards.timeline()} == days


# Many at once, and faults


def test_no_vote_is_lost_or_counted_twice_while_people_vote_and_look(watched):
    leaderboards = Leaderboards(watched)
    parts = [[vote("x", "y", Winner.A, boxes=Winner.B) for _ in range(8)] for _ in range(4)]

    def vote_and_look(part: list[Vote]) -> list[int]:
        seen = []
        for one in part:
            watched.add(one)
            seen.append(leaderboards.leaderboard().votes)
        return seen

    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(vote_and_look, parts))

    assert all(counts == sorted(counts) for counts in seen)
    assert all(count > place for counts in seen for place, count in enumerate(counts))
    assert leaderboards.leaderboard().votes == 32
    assert leaderboards.count_votes("chat") == {frozenset("xy"): 32}


def test_a_database_that_fails_is_said_and_costs_nothing_that_was_read(watched, monkeypatch):
    cast(watched, vote("x", "y", Winner.A))
    leaderboards = Leaderboards(watched)
    board = leaderboards.leaderboard()
    cast(watched, vote("x", "y", Winner.A))

    def gone(**choice: Any) -> list[PairCount]:
        raise VotesError("The votes database is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(watched, "count_pairs", gone)
        with pytest.raises(VotesError):
            leaderboards.leaderboard()

    assert leaderboards.leaderboard().votes == board.votes + 1
    assert watched.read_after == [0, 1]


def test_only_some_boards_are_kept(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_CACHED", 2)
    cast(store, *(vote("x", "y", Winner.A, voter=f"v{n}") for n in range(3)))
    leaderboards = Leaderboards(store)
    first, second, _ = (leaderboards.leaderboard(Selection(voter=f"v{n}")) for n in range(3))

    assert leaderboards.leaderboard(Selection(voter="v1")) is second
    again = leaderboards.leaderboard(Selection(voter="v0"))
    assert again == first
    assert again is not first
