"""One vote per battle: when it can be cast, what is kept, and how much it counts."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image
from support.battles import ME, OTHER, NoCounts, ScriptedArena, Writer
from support.databases import FIRST_VOTE

from vlm_demo.arena.battles.active_battles import BattleStatus
from vlm_demo.arena.battles.arena import Arena
from vlm_demo.arena.battles.rate_limits import RateLimits
from vlm_demo.arena.votes.newcomers import Newcomer
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Exclusion, Vote, Winner
from vlm_demo.errors import (
    BattleError,
    InputError,
    RateLimitError,
    VotedAlreadyError,
    VotesError,
)
from vlm_demo.values import ReplyState, Request, Task


def test_nobody_votes_before_the_end_or_for_somebody_else_or_twice(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    go_on = threading.Event()
    scripted = script_arena(Writer("a dog"), Writer("a", go_on.wait, " cat"))
    battle = scripted.begin()
    with pytest.raises(BattleError, match="Wait"):
        scripted.vote(battle)
    sides = scripted.arena.answer(battle, ME, Request(Task.CHAT, "What is it?"))
    next(sides)
    with pytest.raises(BattleError, match="Wait"):
        scripted.vote(battle)
    with pytest.raises(BattleError, match="still answering"):
        scripted.ask(battle)
    go_on.set()
    assert list(sides)[-1].done
    with pytest.raises(BattleError, match="no such battle") as not_mine:
        scripted.vote(battle, voter=OTHER)
    with pytest.raises(BattleError) as no_battle:
        scripted.vote("no-such-battle")
    assert str(not_mine.value) == str(no_battle.value)
    with pytest.raises(BattleError):
        scripted.arena.status(battle, OTHER)
    with pytest.raises(BattleError, match="after the vote"):
        scripted.arena.reveal(battle, ME)
    scripted.vote(battle)
    for again in (Winner.A, Winner.B):
        with pytest.raises(VotedAlreadyError):
            scripted.vote(battle, again)
    with pytest.raises(VotedAlreadyError):
        scripted.ask(battle)
    assert scripted.arena.reveal(battle, ME).vote == scripted.kept()[0]
    assert len(scripted.kept()) == 1


def test_the_vote_can_come_as_soon_as_done_is_seen(scripted: ScriptedArena) -> None:
    battle = scripted.begin()
    with closing(scripted.arena.answer(battle, ME, Request(Task.CHAT, "What is it?"))) as sides:
        for now in sides:
            if now.done:
                break
    assert scripted.arena.status(battle, ME) is BattleStatus.VOTABLE
    scripted.vote(battle)


def test_of_votes_at_the_same_moment_exactly_one_counts(scripted: ScriptedArena) -> None:
    battle = scripted.votable()
    ready = threading.Barrier(8)

    def vote(number: int) -> bool:
        ready.wait()
        try:
            scripted.vote(battle, list(Winner)[number % 4])
        except VotedAlreadyError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(vote, range(8))).count(True) == 1
    assert len(scripted.kept()) == 1


def test_a_vote_that_cannot_be_kept_can_be_cast_again(
    script_arena: Callable[..., ScriptedArena], tmp_path: Path
) -> None:
    """The database's folder is not there at first. The failures use up no votes of the voter."""
    folder = tmp_path / "not-mounted"
    with closing(VoteStore(str(folder / "votes.db"))) as votes:
        folder.write_text("")
        scripted = script_arena(
            Writer("a dog"), Writer("a cat"), limits=RateLimits(votes_a_minute=1)
        )
        scripted.arena = Arena(
            scripted.backend, votes, NoCounts(), limits=RateLimits(votes_a_minute=1)
        )
        battle = scripted.votable()
        for _ in range(3):
            with pytest.raises(VotesError):
                scripted.vote(battle)
            assert scripted.arena.status(battle, ME) is BattleStatus.VOTABLE
        folder.unlink()
        folder.mkdir()
        scripted.vote(battle)
        assert votes.get(battle) is not None


def test_a_vote_that_was_kept_although_the_connection_broke_off_counts_once(
    script_arena: Callable[..., ScriptedArena], tmp_path: Path
) -> None:
    class BreaksOff(VoteStore):
        broken = False

        def add(self, vote: Vote, newcomer: Newcomer | None = None) -> int:
            place = super().add(vote, newcomer)
            if not self.broken:
                self.broken = True
                raise VotesError("The connection to the database broke off.")
            return place

    with closing(BreaksOff(str(tmp_path / "unsteady.db"))) as votes:
        scripted = script_arena(Writer("a dog"), Writer("a cat"))
        scripted.arena = Arena(scripted.backend, votes, NoCounts())
        battle = scripted.votable()
        with pytest.raises(VotesError):
            scripted.vote(battle, Winner.A)
        assert scripted.vote(battle, Winner.A) == votes.get(battle)
        assert votes.count_cast_since(FIRST_VOTE) == 1
        with pytest.raises(VotedAlreadyError):
            scripted.vote(battle, Winner.A)


def test_what_is_no_opinion_is_refused(scripted: ScriptedArena) -> None:
    battle = scripted.votable()
    for said in (
        {"winner": "left-model"},
        {"boxes": "c"},
        {"boxes": Winner.A},  # nobody drew a box
        {"comment": "x" * 501},
        {"tags": ["x" * 41]},
        {"tags": [str(number) for number in range(11)]},
    ):
        with pytest.raises(InputError):
            scripted.vote(battle, **{"winner": Winner.A} | said)
        assert scripted.arena.status(battle, ME) is BattleStatus.VOTABLE
    vote = scripted.vote(battle, comment=" fine\0\ud800 ", tags=["clear", "", "clear"])
    assert (vote.comment, vote.tags) == ("fine", ("clear",))
    assert scripted.kept() == [vote]


def test_boxes_can_be_voted_on_where_an_answer_has_some(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    scripted = script_arena(Writer("Here: [0.1, 0.2, 0.4, 0.6]."), Writer("I see no box."))
    battle = scripted.begin()
    picture = Image.new("RGB", (64, 64), "white")
    *_, last = scripted.arena.answer(battle, ME, Request(Task.CHAT, "Where is it?", (picture,)))
    assert ReplyState.FOUND in (last.a.state, last.b.state)
    assert scripted.vote(battle, boxes=Winner.B).boxes is Winner.B


def test_too_many_are_refused_and_say_when(script_arena: Callable[..., ScriptedArena]) -> None:
    scripted = script_arena(
        Writer("a dog"), Writer("a cat"), limits=RateLimits(votes_a_minute=2, battles_a_minute=4)
    )
    battles = [scripted.votable() for _ in range(3)]
    for battle in battles[:2]:
        scripted.vote(battle)
    with pytest.raises(RateLimitError, match=r"Wait \d+ seconds"):
        scripted.vote(battles[2])
    assert scripted.arena.status(battles[2], ME) is BattleStatus.VOTABLE
    scripted.begin()
    with pytest.raises(RateLimitError):
        scripted.begin()
    scripted.begin(OTHER)


def test_votes_before_a_restart_count_as_well(script_arena: Callable[..., ScriptedArena]) -> None:
    limits = RateLimits(votes_an_hour=2)
    for _ in range(2):
        scripted = script_arena(Writer("a dog"), Writer("a cat"), limits=limits)
        scripted.vote(scripted.votable())
    restarted = script_arena(Writer("a dog"), Writer("a cat"), limits=limits)
    with pytest.raises(RateLimitError):
        restarted.vote(restarted.votable())


# Integrity


def test_a_battle_whose_models_gave_themselves_away_is_kept_and_not_rated(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    scripted = script_arena(Writer("I am Qwen, made by Alibaba."), Writer("a cat"))
    assert scripted.vote(scripted.votable()).exclusion is Exclusion.IDENTITY
    scripted = script_arena(Writer("a dog"), Writer("a cat"))
    assert scripted.vote(scripted.votable("Who are you?")).exclusion is Exclusion.IDENTITY
    assert scripted.votes.count_pairs() == []


def test_the_same_person_counts_once_on_the_same_question(scripted: ScriptedArena) -> None:
    first = scripted.vote(scripted.votable("What is it?"))
    again = scripted.vote(scripted.votable("  what IS it?"))
    other = scripted.vote(scripted.votable("What is it?", OTHER), voter=OTHER)
    asked_else = scripted.vote(scripted.votable("What is that?"))
    found = [vote.exclusion for vote in (first, again, other, asked_else)]
    assert found == [None, Exclusion.REPEAT, None, None]


def test_prompts_that_come_again_and_again_count_less(scripted: ScriptedArena) -> None:
    weights = []
    for number in range(8):
        voter = f"voter-{number}"
        weights.append(scripted.vote(scripted.votable("What is it?", voter), voter=voter).weight)
    assert weights == [1, 1, 1, 1, 1, 5 / 6, 5 / 7, 5 / 8]


def test_my_data_can_be_deleted(scripted: ScriptedArena) -> None:
    scripted.vote(scripted.votable())
    scripted.vote(scripted.votable("What?", OTHER), voter=OTHER)
    waiting = scripted.votable("Still there?")
    assert scripted.arena.forget(ME) == 1
    assert [vote.voter for vote in scripted.kept()] == [OTHER]
    with pytest.raises(BattleError):
        scripted.vote(waiting)
    assert scripted.arena.forget(ME) == 0


def test_what_is_forgotten_while_it_is_answered_does_not_come_back(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    scripted = script_arena(Writer("a dog"), Writer("a cat"))
    battle = scripted.begin()
    sides = scripted.arena.answer(battle, ME, Request(Task.CHAT, "What is it?"))
    next(sides)
    scripted.arena.forget(ME)
    list(sides)
    with pytest.raises(BattleError):
        scripted.vote(battle)
