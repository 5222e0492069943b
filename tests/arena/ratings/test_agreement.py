"""Which voters judge unlike the others, in simulated votes whose unusual voters are known."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.databases import some_vote

from vlm_demo.arena.ratings.agreement import (
    MIN_VOTES,
    AgreementFinding,
    VoterReport,
    compare_voters,
    judge_voters,
)
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, Vote, Winner

STRENGTH = {"best": 3, "good": 2, "poor": 1, "worst": 0}


def cast(voter: str, how: str, count: int, draw: random.Random) -> Iterator[Vote]:
    """Votes of somebody who prefers the better model nine times of ten, or does something else."""
    for number in range(count):
        a, b = draw.sample(sorted(STRENGTH), 2)
        better = Winner.A if STRENGTH[a] > STRENGTH[b] else Winner.B
        worse = Winner.B if better is Winner.A else Winner.A
        winner = {
            "honest": better if draw.random() < 0.9 else worse,
            "contrary": worse if draw.random() < 0.9 else better,
            "coin": draw.choice([Winner.A, Winner.B]),
            "left": Winner.A,
            "ties": Winner.TIE,
        }[how]
        yield some_vote(
            f"{voter}-{number}",
            a=Contender(model=a),
            b=Contender(model=b),
            winner=winner,
            voter=voter,
        )


def world(seed: int, **odd: str) -> list[VoterReport]:
    draw = random.Random(seed)
    votes = [vote for n in range(20) for vote in cast(f"honest-{n}", "honest", 30, draw)]
    votes += [vote for name, how in odd.items() for vote in cast(name, how, 40, draw)]
    draw.shuffle(votes)
    return compare_voters(votes)


def listed(reports: list[VoterReport]) -> dict[str, tuple[AgreementFinding, ...]]:
    return {report.voter: report.findings for report in reports if report.findings}


@pytest.mark.parametrize("seed", range(5))
def test_who_votes_against_everybody_or_by_a_coin_is_listed(seed: int) -> None:
    found = listed(world(seed, contrary="contrary", coin="coin"))
    assert found["contrary"] == (AgreementFinding.CONTRARY,)
    assert found["coin"] == (AgreementFinding.CHANCE,)


@pytest.mark.thorough
def test_honest_voters_are_hardly_ever_listed() -> None:
    """Among 400 of them at most the odd one; without a correction it would be 20."""
    assert sum(len(listed(world(seed))) for seed in range(20)) <= 4


def test_who_always_takes_the_left_is_listed() -> None:
    found = listed(world(1, left="left"))
    assert AgreementFinding.ONE_SIDED in found["left"]
    (report,) = [report for report in world(1, left="left") if report.voter == "left"]
    assert report.left == 40


def test_the_figures_are_those_of_a_count_by_hand() -> None:
    """Everybody prefers `best`; the sixth voter prefers `worst`, on either side of the page."""
    votes = [
        some_vote(
            f"{voter}-{number}",
            a=Contender(model="best" if number % 2 else "worst"),
            b=Contender(model="worst" if number % 2 else "best"),
            winner=Winner.A if bool(number % 2) is (voter < 5) else Winner.B,
            voter=f"voter-{voter}",
        )
        for voter in range(6)
        for number in range(6)
    ]
    first, *others = compare_voters(votes)
    assert (first.voter, first.votes, first.agreeing, first.left) == ("voter-5", 6, 0, 3)
    share = 31 / 32  # the 30 votes of the others all say so, and one is added on either side
    assert first.expected == pytest.approx(6 * share)
    assert first.p_odd == pytest.approx((1 - share) ** 6)
    assert first.p_chance == 1
    assert first.p_side == 1
    assert first.findings == (AgreementFinding.CONTRARY,)
    for other in others:
        assert (other.votes, other.agreeing, other.findings) == (6, 6, ())
        assert other.p_chance == pytest.approx(0.5**6)


def test_of_too_few_votes_nothing_is_said() -> None:
    draw = random.Random(0)
    votes = [*cast("many", "honest", 50, draw), *cast("few", "contrary", MIN_VOTES - 1, draw)]
    assert "few" not in {report.voter for report in compare_voters(votes)}
    assert compare_voters([]) == []
    assert compare_voters(cast("ties", "ties", 50, draw)) == []


def test_alone_a_voter_has_nobody_to_agree_with() -> None:
    assert compare_voters(cast("alone", "honest", 50, random.Random(0))) == []


def test_only_people_of_this_page_whose_votes_count_are_judged(tmp_path: Path) -> None:
    draw = random.Random(0)
    honest = [vote for n in range(5) for vote in cast(f"honest-{n}", "honest", 20, draw)]
    template = list(cast("odd", "contrary", 20, draw))
    with closing(VoteStore(str(tmp_path / "votes.db"))) as store:
        store.add_all(honest)
        for number, change in enumerate(
            ({"origin": Origin.AUTOMATIC}, {"exclusion": Exclusion.IDENTITY}, {"voter": ""})
        ):
            store.add_all(
                changed(vote, battle=f"{number}-{vote.battle}", **change) for vote in template
            )
        assert {report.voter for report in judge_voters(store)} == {f"honest-{n}" for n in range(5)}
        store.add_all(template)
        assert judge_voters(store)[0].voter == "odd"


def changed(vote: Vote, **changes: object) -> Vote:
    fields = {name: getattr(vote, name) for name in ("a", "b", "winner", "voter")}
    return some_vote(**fields | changes)
