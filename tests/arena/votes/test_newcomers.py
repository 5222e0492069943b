"""What the votes of new voters weigh, and that a crowd of them moves no rating."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.votes import make_votes

from vlm_demo.arena import Contender, Exclusion, Standing, Vote, Winner
from vlm_demo.arena.battles.vote_building import weigh_newcomer
from vlm_demo.arena.ratings.ratings import rate_models
from vlm_demo.arena.votes.newcomers import newcomer_weight
from vlm_demo.arena.votes.store import VoteStore

MODELS = ["one", "two", "three", "four", "five"]
BEGIN = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VoteStore]:
    with closing(VoteStore(str(tmp_path / "votes.db"))) as store:
        yield store


def cast(store: VoteStore, voter: str, address: str, moment: datetime, **facts: Any) -> Vote:
    """Vote as the arena does, after a battle of 20 seconds unless `facts` say otherwise."""
    has_cookie = facts.pop("has_cookie", True)
    (vote,) = make_votes(MODELS, 1, tag=f"{voter}-{moment.isoformat()}")
    began = moment - timedelta(seconds=facts.pop("seconds", 20))
    vote = replace(vote, voter=voter, began_at=began, voted_at=moment, **facts)
    newcomer = store.assess_voter(voter, address, moment)
    vote = weigh_newcomer(vote, newcomer, Standing(has_cookie, address))
    store.add(vote, newcomer)
    return vote


@pytest.mark.thorough
def test_a_thousand_new_voters_of_one_attacker_move_no_rating_by_more_than_its_interval(
    store: VoteStore,
) -> None:
    store.add_all(make_votes(MODELS, 400, voter="honest"))
    before = {rated.model: rated for rated in rate_models(store.count_pairs())}
    for number in range(1_000):
        favourite, victim = MODELS[-1], MODELS[number % (len(MODELS) - 1)]
        cast(
            store,
            f"fake-{number}",
            "one address",
            BEGIN + timedelta(seconds=20 * number),
            a=Contender(model=favourite),
            b=Contender(model=victim),
            winner=Winner.A,
        )
    after = {rated.model: rated for rated in rate_models(store.count_pairs())}
    for model, rated in before.items():
        assert rated.lower < after[model].rating < rated.upper, model
    (crowd,) = store.list_crowds()
    assert (crowd.voters, crowd.votes, crowd.address) == (1_000, 1_000, "one address")
    assert crowd.weight < 10
    assert crowd.burst_votes > 900
    assert store.verify() == []


def test_weights_of_a_crowd_stay_below_a_sum_however_large_it_is() -> None:
    weights = [newcomer_weight(others) for others in range(100_000)]
    assert weights[:5] == [1.0] * 5
    assert sum(weights) < 10


def test_whoever_has_voted_a_day_before_counts_fully_in_any_crowd(store: VoteStore) -> None:
    cast(store, "regular", "home", BEGIN)
    later = BEGIN + timedelta(days=2)
    crowd = [cast(store, f"new-{number}", "campus", later) for number in range(30)]
    assert crowd[-1].weight < 0.05
    assert cast(store, "regular", "campus", later + timedelta(minutes=1)).weight == 1.0
    # Votes of a crowd establish nobody: it would only have to wait for a day.
    again = cast(store, "new-29", "campus", later + timedelta(days=2))
    assert again.weight < 0.05
    # Somebody's own votes do not count against further ones.
    own = [
        cast(store, "alone", "elsewhere", later + timedelta(minutes=number)) for number in range(20)
    ]
    assert {vote.weight for vote in own} == {1.0}
    # After a month nothing is held against an address, nor remembered of it.
    month = later + timedelta(days=33)
    assert cast(store, "stranger", "campus", month).weight == 1.0
    assert store.list_crowds() == []


def test_without_a_cookie_only_a_battle_that_took_its_time_counts(store: VoteStore) -> None:
    facts: dict[str, Any] = {"has_cookie": False}
    quick = cast(store, "a", "x", BEGIN, seconds=3, **facts)
    slow = cast(store, "b", "x", BEGIN, seconds=12, **facts)
    assert quick.exclusion is Exclusion.UNPROVEN
    assert slow.exclusion is None
    assert cast(store, "c", "x", BEGIN, seconds=3).exclusion is None  # a cookie came back
    assert sum(count.votes for count in store.count_pairs()) == 2


def test_withdrawn_votes_leave_no_address(store: VoteStore) -> None:
    for number in range(6):
        cast(store, f"v-{number}", "x", BEGIN)
    assert store.list_crowds()[0].voters == 6
    for number in range(6):
        store.delete(voter=f"v-{number}")
    assert store.list_crowds() == []


def test_a_database_of_an_earlier_version_takes_new_voters(tmp_path: Path) -> None:
    earlier = ROOT / "tests" / "data" / "earlier_versions" / "arena_votes.sqlite"
    file = shutil.copy(earlier, tmp_path / "votes.db")
    with closing(VoteStore(str(file))) as store:
        before = [vote for _, vote in store.read()]
        cast(store, "new", "x", datetime.now(UTC))
        assert [vote for _, vote in store.read()][:-1] == before
        assert store.verify() == []
