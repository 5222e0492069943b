"""Battles are fair and anonymous, in the order of their turns, and survive bad questions."""

import itertools
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from support.battles import ME, NoCounts, ScriptedArena, Writer, fail, wait_until
from support.databases import some_vote

from vlm_demo.arena.battles.active_battles import MAX_TURNS, BattleStatus
from vlm_demo.arena.battles.arena import Arena
from vlm_demo.arena.battles.pairing import OUTAGE_FAILURES
from vlm_demo.arena.battles.rate_limits import RateLimits
from vlm_demo.arena.ratings.leaderboards import Leaderboards
from vlm_demo.arena.votes.fingerprints import hash_images, hash_questions
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Origin, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.errors import (
    BattleError,
    InputError,
    MissingImageError,
    MissingTextError,
    OutOfMemoryError,
    UnknownModelError,
)
from vlm_demo.images.opening import open_image
from vlm_demo.values import Box, Request, Sampling, Task


def test_a_battle_from_the_draw_to_the_vote(
    embedded: Backend, votes: VoteStore, scene: Image.Image
) -> None:
    arena = Arena(embedded, votes, NoCounts())
    battle = arena.begin(Task.GROUNDING, ME)
    assert arena.status(battle, ME) is BattleStatus.READY
    sampling = Sampling(max_new_tokens=64, seed=7)
    request = Request(Task.GROUNDING, "red circle", (scene,), sampling=sampling)
    seen = list(arena.answer(battle, ME, request))
    assert [sides.done for sides in seen].count(True) == 1
    assert seen[-1].done
    truth = Box(20 / 144, 20 / 144, 70 / 144, 70 / 144)
    for reply in (seen[-1].a, seen[-1].b):
        (mention,) = reply.mentions
        assert truth.iou(mention.regions[0]) > 0.5
    assert arena.status(battle, ME) is BattleStatus.VOTABLE
    reveal = arena.vote(
        battle, ME, Winner.B, boxes=Winner.TIE, tags=["better boxes"], comment="ok", keep=True
    )
    assert arena.status(battle, ME) is BattleStatus.VOTED
    assert {reveal.a.name, reveal.b.name} == {"embedded-llava15", "embedded-kosmos2"}
    vote = votes.get(battle)
    assert vote == reveal.vote
    assert vote is not None
    assert (vote.a.model, vote.b.model) == (reveal.a.name, reveal.b.name)
    raw = {vote.a.model: vote.a.outputs[0], vote.b.model: vote.b.outputs[0]}
    assert "<object>" in raw["embedded-kosmos2"]
    assert re.search(r"\[0\.\d", raw["embedded-llava15"])
    assert vote.a.engine == "local as it is"
    assert vote.a.revision != vote.b.revision
    assert (vote.winner, vote.boxes, vote.task) == (Winner.B, Winner.TIE, Task.GROUNDING)
    assert (vote.seed, vote.parameters["max_new_tokens"], vote.turns) == (7, 64, 1)
    assert "seed" not in vote.parameters
    assert vote.prompt_hash == hash_questions([request])
    assert vote.image_hash == hash_images([scene])
    assert vote.began_at <= vote.ended_at <= vote.voted_at
    assert (vote.tags, vote.comment, vote.voter) == (("better boxes",), "ok", ME)
    assert (vote.weight, vote.exclusion) == (1.0, None)
    (turn,) = vote.conversation
    assert turn.text == "red circle"
    assert open_image(turn.images[0]).tobytes() == scene.tobytes()


def test_nothing_tells_the_models_apart_before_the_vote(
    embedded: Backend, votes: VoteStore, scene: Image.Image
) -> None:
    """Notes, raw markup and what else a reply holds; errors are looked at below."""
    arena = Arena(embedded, votes, NoCounts())
    for task, words in ((Task.GROUNDING, "red circle"), (Task.DESCRIBE_REGION, "")):
        battle = arena.begin(task, ME)
        request = Request(task, words, (scene,), regions=(Box(0.1, 0.1, 0.5, 0.5),))
        everything = repr(list(arena.answer(battle, ME, request))).lower() + battle.lower()
        for name in ("llava", "kosmos", "embedded", "<object>", "patch_index", "licen"):
            assert name not in everything


def test_words_and_pictures_are_kept_only_if_the_person_agreed(
    embedded: Backend, votes: VoteStore, scene: Image.Image, tmp_path: Path
) -> None:
    arena = Arena(embedded, votes, NoCounts())
    battle = arena.begin(Task.VQA, ME)
    question = "What colour is the circle?"
    list(arena.answer(battle, ME, Request(Task.VQA, question, (scene,))))
    assert arena.vote(battle, ME, Winner.TIE).vote.conversation == ()
    votes.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert ME.encode() in content
    assert question.encode() not in content
    assert b"PNG" not in content


def test_who_may_meet(embedded: Backend, votes: VoteStore) -> None:
    """Of the whole menu only what needs no fetching, unless the operator says otherwise."""
    menu = Backend(default_menu())
    here = {"embedded-llava15", "embedded-kosmos2"}  # the detector is no language model
    unnamed = set(Arena(menu, votes, NoCounts()).contenders(Task.CHAT))
    assert here <= unnamed
    assert not unnamed & {"automatic", "embedded-photos"}
    assert "llava-1.5-7b-hf" not in Arena(menu, votes, NoCounts()).contenders(Task.CHAT)
    named = Arena(menu, votes, NoCounts(), models=("embedded-llava15", "SmolVLM-Instruct"))
    assert named.contenders(Task.CHAT) == ["embedded-llava15", "SmolVLM-Instruct"]
    assert named.contenders(Task.GROUNDING) == ["embedded-llava15"]
    with pytest.raises(BattleError, match="two models") as caught:
        named.begin(Task.GROUNDING, ME)
    assert "llava" not in str(caught.value).lower()
    with pytest.raises(UnknownModelError):
        Arena(menu, votes, NoCounts(), models=("no-such-model",))


# Pace and order


@pytest.mark.thorough
def test_the_faster_side_shows_no_more_than_the_slower_one_has(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    begun, go_on, fast_is_done = threading.Event(), threading.Event(), threading.Event()
    slow = Writer(begun.wait, "abcdefgh", go_on.wait, "ijkl", "mnop" * 8)
    scripted = script_arena(Writer(*["0123456789"] * 9, fast_is_done.set), slow)
    sides = scripted.arena.answer(scripted.begin(), ME, Request(Task.CHAT, "Say much"))
    assert fast_is_done.wait(0) is False
    for _ in range(5):
        now = next(sides)
        assert (now.a.text, now.b.text, now.done) == ("", "", False)
        assert now.waiting
    assert fast_is_done.wait(30)
    begun.set()
    while now.a.text != "abcdefgh" and now.b.text != "abcdefgh":
        now = next(sides)
    for _ in range(5):
        now = next(sides)
        assert sorted((len(now.a.text), len(now.b.text)))[0] <= 8
        assert sorted((len(now.a.text), len(now.b.text)))[1] <= 8
        assert not now.done
    go_on.set()
    *_, last = sides
    assert last.done
    assert sorted((len(last.a.text), len(last.b.text))) == [44, 90]


def test_the_generator_can_be_stopped_while_nothing_new_comes(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    never = threading.Event()
    scripted = script_arena(Writer(never.wait, "a"), Writer("b"))
    battle = scripted.begin()
    sides = scripted.arena.answer(battle, ME, Request(Task.CHAT, "Are you there"))
    assert len(list(itertools.islice(sides, 4))) == 4
    assert scripted.arena.status(battle, ME) is BattleStatus.ANSWERING
    sides.close()
    assert scripted.arena.status(battle, ME) is BattleStatus.VOID
    never.set()
    with pytest.raises(BattleError, match="does not count"):
        scripted.vote(battle)
    assert scripted.kept() == []


def test_pairs_that_were_judged_often_are_drawn_seldom(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    """With the real boards; battles that the program judged itself do not count."""
    writers = Writer("a dog"), Writer("a cat"), Writer("a cow")
    scripted = script_arena(*writers, limits=RateLimits(battles_a_minute=1_000))
    names = [spec.name for spec in scripted.menu]
    known, automatic = names[:2], names[1:]
    scripted.votes.add_all(
        some_vote(
            f"{origin}-{number}",
            a=Contender(model=pair[0]),
            b=Contender(model=pair[1]),
            origin=origin,
        )
        for number in range(300)
        for pair, origin in ((known, Origin.HERE), (automatic, Origin.AUTOMATIC))
    )
    boards = Leaderboards(scripted.votes)
    scripted.arena = Arena(
        scripted.backend, scripted.votes, boards, limits=RateLimits(battles_a_minute=1_000)
    )
    pairs = Counter(
        frozenset(spec.name for spec in scripted.arena._battles.get(scripted.begin(), ME).specs)
        for _ in range(200)
    )
    assert pairs[frozenset(known)] < 10  # a third of one is to be expected
    assert pairs[frozenset(automatic)] > 50


def test_sides_are_drawn_by_chance(script_arena: Callable[..., ScriptedArena]) -> None:
    scripted = script_arena(
        Writer("a dog"), Writer("a cat"), limits=RateLimits(battles_a_minute=100)
    )
    names = set()
    for _ in range(20):
        battle = scripted.begin()
        names.add(scripted.arena._battles.get(battle, ME).specs[0].name)
    assert names == {"left-model", "right-model"}


def test_both_are_asked_with_the_same_sampling_and_seed(scripted: ScriptedArena) -> None:
    scripted.votable()
    (left,), (right,) = (engine.samplings for engine in scripted.engines.values())
    assert left == right
    assert left.temperature == 0
    assert left.seed is not None


def test_models_that_do_not_fit_beside_each_other_answer_one_after_the_other(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    first, second = Writer("It is", " a dog"), Writer("A", " cat")
    together = []

    def opened(engine: Writer, other: Writer) -> Callable[[], Writer]:
        refused = []

        def open_it() -> Writer:
            if not refused and (other.running or not together):
                refused.append(True)
                together.append(engine)
                raise OutOfMemoryError("left-model needs 9 GB. Please wait for right-model.")
            return engine

        return open_it

    scripted = script_arena(opened(first, second), opened(second, first))
    *_, last = scripted.ask(scripted.begin())
    assert last.done
    assert {last.a.text, last.b.text} == {"It is a dog", "A cat"}
    assert together


def test_a_model_that_never_fits_makes_the_battle_void(
    script_arena: Callable[..., ScriptedArena],
) -> None:
    def too_large() -> Writer:
        raise OutOfMemoryError("right-model needs 900 GB of memory.")

    scripted = script_arena(Writer("a dog"), too_large)
    battle = scripted.begin()
    with pytest.raises(BattleError) as caught:
        scripted.ask(battle)
    assert "model needs" not in str(caught.value)
    assert scripted.arena.status(battle, ME) is BattleStatus.VOID


# Failures


@pytest.mark.parametrize(
    "broken",
    [Writer("It", fail), Writer(fail), Writer(), Writer("  ")],
    ids=["breaks off", "fails at once", "says nothing", "says spaces"],
)
def test_a_side_that_fails_or_says_nothing_makes_the_battle_void(
    broken: Writer, script_arena: Callable[..., ScriptedArena]
) -> None:
    endless = Writer(*["word "] * 100_000)
    scripted = script_arena(broken, endless)
    battle = scripted.begin()
    with pytest.raises(BattleError, match="One of the two models") as caught:
        scripted.ask(battle)
    told = f"{caught.value} {caught.value.__cause__}".lower()
    for word in ("left", "right", "llava", "cuda", "side a", "side b"):
        assert word not in told
    assert scripted.arena.status(battle, ME) is BattleStatus.VOID
    wait_until(lambda: endless.running == 0)
    for refused in (scripted.vote, scripted.ask):
        with pytest.raises(BattleError, match="does not count"):
            refused(battle)
    assert scripted.kept() == []


def test_a_model_that_fails_again_and_again_is_left_out_where_there_are_others(
    script_arena: Callable[..., ScriptedArena], caplog: pytest.LogCaptureFixture
) -> None:
    scripted = script_arena(
        Writer(fail), Writer("a cat"), Writer("a dog"), limits=RateLimits(battles_a_minute=1_000)
    )
    failures = 0
    for _ in range(60):
        battle = scripted.begin()
        names = {spec.name for spec in scripted.arena._battles.get(battle, ME).specs}
        assert failures < OUTAGE_FAILURES or names == {"right-model", "third-model"}
        if "left-model" in names and failures < OUTAGE_FAILURES:
            failures += 1
            with pytest.raises(BattleError):
                scripted.ask(battle)
    assert failures == OUTAGE_FAILURES
    assert "left-model failed" in caplog.text  # the operator may know


def test_a_question_that_cannot_be_asked_leaves_the_battle_as_it_was(
    embedded: Backend, votes: VoteStore, scene: Image.Image
) -> None:
    arena = Arena(embedded, votes, NoCounts())
    battle = arena.begin(Task.GROUNDING, ME)
    good = Request(Task.GROUNDING, "red circle", (scene,))
    cases = [
        (replace(good, images=()), MissingImageError),
        (replace(good, text=" "), MissingTextError),
        (replace(good, text="x" * 9_000), InputError),
        (replace(good, text="\ud800"), InputError),
        (replace(good, images=(scene, scene)), InputError),
        (replace(good, task=Task.VQA), InputError),
    ]
    for request, kind in cases:
        with pytest.raises(kind) as caught:
            list(arena.answer(battle, ME, request))
        for name in ("llava", "kosmos"):
            assert name not in str(caught.value).lower()
        assert arena.status(battle, ME) is BattleStatus.READY
    assert list(arena.answer(battle, ME, good))[-1].done


# Turns


def test_each_side_keeps_its_own_history(scripted: ScriptedArena, scene: Image.Image) -> None:
    battle = scripted.begin()
    first = Request(Task.CHAT, "What is it?", (scene,))
    list(scripted.arena.answer(battle, ME, first))
    list(scripted.arena.answer(battle, ME, Request(Task.CHAT, "Are you sure?", (scene.copy(),))))
    said = {"left-model": "It is a dog.", "right-model": "A cat."}
    for name, engine in scripted.engines.items():
        asked, answered, again = engine.prompts[1].messages[-3:]
        assert asked.text.endswith("What is it?")
        assert (answered.role, answered.text) == ("assistant", said[name])
        assert again.text.endswith("Are you sure?")
        # The same picture once more would begin the conversation anew where one is the most.
        assert (len(asked.images), len(again.images)) == (1, 0)
    vote = scripted.vote(battle, keep=True)
    assert vote.turns == 2
    assert vote.a.outputs == (said[vote.a.model],) * 2
    assert [turn.text for turn in vote.conversation] == ["What is it?", "Are you sure?"]
    assert [len(turn.images) for turn in vote.conversation] == [1, 0]


def test_a_history_from_outside_does_not_count(scripted: ScriptedArena) -> None:
    battle = scripted.begin()
    smuggled = replace(Request(Task.CHAT, "Hello"), history=(("user", "I am someone else"),))
    list(scripted.arena.answer(battle, ME, smuggled))
    for engine in scripted.engines.values():
        assert [message.role for message in engine.prompts[0].messages].count("user") == 1


def test_a_battle_is_long_enough_after_so_many_turns(scripted: ScriptedArena) -> None:
    battle = scripted.begin()
    for _ in range(MAX_TURNS):
        scripted.ask(battle)
    with pytest.raises(InputError, match="Vote"):
        scripted.ask(battle)
    assert scripted.vote(battle).turns == MAX_TURNS
