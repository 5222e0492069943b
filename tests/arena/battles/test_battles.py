"""Battles: fair, anonymous, and one vote each. Votes go into a real database."""

import itertools
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from support.databases import FIRST_VOTE, some_vote

import vlm_demo.backend
from vlm_demo.arena.battles.active_battles import MAX_AGE_S, MAX_TURNS, LivingBattles, Status
from vlm_demo.arena.battles.arena import Arena
from vlm_demo.arena.battles.language import language_of
from vlm_demo.arena.battles.paired_streams import Sides
from vlm_demo.arena.battles.pairing import OUTAGE_FAILURES
from vlm_demo.arena.battles.rate_limits import Limits
from vlm_demo.arena.ratings.leaderboards import Boards
from vlm_demo.arena.votes.fingerprints import of_pictures, of_weights, of_words
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import ModelSpec, default_menu
from vlm_demo.errors import (
    BattleError,
    EngineError,
    InputError,
    MissingImageError,
    MissingTextError,
    OutOfMemoryError,
    RateLimitError,
    UnknownModelError,
    VotedAlreadyError,
    VotesError,
)
from vlm_demo.images import open_image
from vlm_demo.values import Box, Prompt, ReplyState, Request, Sampling, Task, TextChunk

ME, OTHER = "voter-me", "voter-other"


class NoCounts:
    """Boards where nothing was judged yet."""

    def pair_counts(self, task: str) -> dict[frozenset[str], int]:
        return {}


class Writer:
    """An engine that writes what a test gives it; a callable among the pieces is called."""

    control_tokens: frozenset[str] = frozenset()

    def __init__(self, *pieces: str | Callable[[], object]) -> None:
        self.pieces = pieces
        self.prompts: list[Prompt] = []
        self.samplings: list[Sampling] = []
        self.running = 0

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        self.prompts.append(prompt)
        self.samplings.append(sampling)
        self.running += 1
        try:
            for piece in self.pieces:
                if isinstance(piece, str):
                    yield TextChunk(piece)
                else:
                    piece()
        finally:
            self.running -= 1

    def usage(self) -> Any:
        raise AssertionError("nobody asks")

    def close(self) -> None:
        pass


def fail() -> None:
    raise EngineError("left-model of LLaVA-1.5 broke off: CUDA error")


Opened = Writer | Callable[[], Writer]


class Stage:
    """An arena of two scripted models, called left-model and right-model."""

    def __init__(self, votes: VoteStore, opened: dict[str, Opened], **options: Any) -> None:
        self.menu = tuple(
            ModelSpec(name=name, family="llava15", checkpoint=f"us/{name}", engine="remote")
            for name in opened
        )
        self.engines = opened
        self.votes = votes
        self.backend = Backend(self.menu)
        options.setdefault("rng", random.Random(3))
        self.arena = Arena(self.backend, votes, NoCounts(), **options)

    def begin(self, voter: str = ME) -> str:
        return self.arena.begin(Task.CHAT, voter)

    def ask(self, battle: str, words: str = "What is it?", voter: str = ME) -> list[Sides]:
        return list(self.arena.answer(battle, voter, Request(Task.CHAT, words)))

    def votable(self, words: str = "What is it?", voter: str = ME) -> str:
        battle = self.begin(voter)
        self.ask(battle, words, voter)
        return battle

    def vote(self, battle: str, winner: Winner = Winner.A, voter: str = ME, **said: Any) -> Vote:
        return self.arena.vote(battle, voter, winner, **said).vote

    def kept(self) -> list[Vote]:
        return [vote for _, vote in self.votes.read()]


@pytest.fixture
def votes(tmp_path: Path) -> Iterator[VoteStore]:
    with closing(VoteStore(str(tmp_path / "votes.db"))) as votes:
        yield votes


@pytest.fixture
def set_stage(votes: VoteStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stage]:
    def set_up(left: Opened, right: Opened, *more: Opened, **options: Any) -> Stage:
        names = ("left-model", "right-model", "third-model")
        opened = dict(zip(names, (left, right, *more), strict=False))

        def open_engine(kind: str, checkpoint: str, **_: Any) -> Writer:
            engine = opened[checkpoint.removeprefix("us/")]
            return engine if isinstance(engine, Writer) else engine()

        monkeypatch.setattr(vlm_demo.backend, "open_engine", open_engine)
        return Stage(votes, opened, **options)

    return set_up


@pytest.fixture
def stage(set_stage: Callable[..., Stage]) -> Stage:
    return set_stage(Writer("It is", " a dog."), Writer("A", " cat."))


# With the models that come with the program


@pytest.fixture(scope="module")
def embedded() -> Iterator[Backend]:
    backend = Backend(default_menu()[:2], device="cpu")
    yield backend
    backend.close()


@pytest.fixture
def scene() -> Image.Image:
    """A red circle on white, where the embedded models know one."""
    image = Image.new("RGB", (144, 144), "white")
    ImageDraw.Draw(image).ellipse((20, 20, 70, 70), fill="red")
    return image


def test_a_battle_from_the_draw_to_the_vote(
    embedded: Backend, votes: VoteStore, scene: Image.Image
) -> None:
    arena = Arena(embedded, votes, NoCounts())
    battle = arena.begin(Task.GROUNDING, ME)
    assert arena.status(battle, ME) is Status.READY
    sampling = Sampling(max_new_tokens=64, seed=7)
    request = Request(Task.GROUNDING, "red circle", (scene,), sampling=sampling)
    seen = list(arena.answer(battle, ME, request))
    assert [sides.done for sides in seen].count(True) == 1
    assert seen[-1].done
    truth = Box(20 / 144, 20 / 144, 70 / 144, 70 / 144)
    for reply in (seen[-1].a, seen[-1].b):
        (mention,) = reply.mentions
        assert truth.iou(mention.regions[0]) > 0.5
    assert arena.status(battle, ME) is Status.VOTABLE
    reveal = arena.vote(
        battle, ME, Winner.B, boxes=Winner.TIE, tags=["better boxes"], comment="ok", keep=True
    )
    assert arena.status(battle, ME) is Status.VOTED
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
    assert vote.prompt_hash == of_words([request])
    assert vote.picture_hash == of_pictures([scene])
    assert vote.began_at <= vote.ended_at <= vote.voted_at
    assert (vote.tags, vote.comment, vote.voter) == (("better boxes",), "ok", ME)
    assert (vote.weight, vote.exclusion) == (1.0, None)
    (turn,) = vote.conversation
    assert turn.text == "red circle"
    assert open_image(turn.pictures[0]).tobytes() == scene.tobytes()


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
    here = ["embedded-llava15", "embedded-kosmos2"]
    assert set(here) <= set(Arena(menu, votes, NoCounts()).contenders(Task.CHAT))
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


def test_the_faster_side_shows_no_more_than_the_slower_one_has(
    set_stage: Callable[..., Stage],
) -> None:
    begun, go_on, fast_is_done = threading.Event(), threading.Event(), threading.Event()
    slow = Writer(begun.wait, "abcdefgh", go_on.wait, "ijkl", "mnop" * 8)
    stage = set_stage(Writer(*["0123456789"] * 9, fast_is_done.set), slow)
    sides = stage.arena.answer(stage.begin(), ME, Request(Task.CHAT, "Say much"))
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
    set_stage: Callable[..., Stage],
) -> None:
    never = threading.Event()
    stage = set_stage(Writer(never.wait, "a"), Writer("b"))
    battle = stage.begin()
    sides = stage.arena.answer(battle, ME, Request(Task.CHAT, "Are you there"))
    assert len(list(itertools.islice(sides, 4))) == 4
    assert stage.arena.status(battle, ME) is Status.ANSWERING
    sides.close()
    assert stage.arena.status(battle, ME) is Status.VOID
    never.set()
    with pytest.raises(BattleError, match="does not count"):
        stage.vote(battle)
    assert stage.kept() == []


def test_pairs_that_were_judged_often_are_drawn_seldom(
    set_stage: Callable[..., Stage],
) -> None:
    """With the real boards; battles that the program judged itself do not count."""
    writers = Writer("a dog"), Writer("a cat"), Writer("a cow")
    stage = set_stage(*writers, limits=Limits(battles_a_minute=1_000))
    names = [spec.name for spec in stage.menu]
    known, automatic = names[:2], names[1:]
    stage.votes.add_all(
        some_vote(
            f"{origin}-{number}",
            a=Contender(model=pair[0]),
            b=Contender(model=pair[1]),
            origin=origin,
        )
        for number in range(300)
        for pair, origin in ((known, Origin.HERE), (automatic, Origin.AUTOMATIC))
    )
    boards = Boards(stage.votes)
    stage.arena = Arena(stage.backend, stage.votes, boards, limits=Limits(battles_a_minute=1_000))
    pairs = Counter(
        frozenset(spec.name for spec in stage.arena._battles.get(stage.begin(), ME).specs)
        for _ in range(200)
    )
    assert pairs[frozenset(known)] < 10  # a third of one is to be expected
    assert pairs[frozenset(automatic)] > 50


def test_sides_are_drawn_by_chance(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(Writer("a dog"), Writer("a cat"), limits=Limits(battles_a_minute=100))
    names = set()
    for _ in range(20):
        battle = stage.begin()
        names.add(stage.arena._battles.get(battle, ME).specs[0].name)
    assert names == {"left-model", "right-model"}


def test_both_are_asked_with_the_same_sampling_and_seed(stage: Stage) -> None:
    stage.votable()
    (left,), (right,) = (engine.samplings for engine in stage.engines.values())
    assert left == right
    assert left.temperature == 0
    assert left.seed is not None


def test_models_that_do_not_fit_beside_each_other_answer_one_after_the_other(
    set_stage: Callable[..., Stage],
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

    stage = set_stage(opened(first, second), opened(second, first))
    *_, last = stage.ask(stage.begin())
    assert last.done
    assert {last.a.text, last.b.text} == {"It is a dog", "A cat"}
    assert together


def test_a_model_that_never_fits_makes_the_battle_void(set_stage: Callable[..., Stage]) -> None:
    def too_large() -> Writer:
        raise OutOfMemoryError("right-model needs 900 GB of memory.")

    stage = set_stage(Writer("a dog"), too_large)
    battle = stage.begin()
    with pytest.raises(BattleError) as caught:
        stage.ask(battle)
    assert "model needs" not in str(caught.value)
    assert stage.arena.status(battle, ME) is Status.VOID


# Failures


@pytest.mark.parametrize(
    "broken",
    [Writer("It", fail), Writer(fail), Writer(), Writer("  ")],
    ids=["breaks off", "fails at once", "says nothing", "says spaces"],
)
def test_a_side_that_fails_or_says_nothing_makes_the_battle_void(
    broken: Writer, set_stage: Callable[..., Stage]
) -> None:
    endless = Writer(*["word "] * 100_000)
    stage = set_stage(broken, endless)
    battle = stage.begin()
    with pytest.raises(BattleError, match="One of the two models") as caught:
        stage.ask(battle)
    told = f"{caught.value} {caught.value.__cause__}".lower()
    for word in ("left", "right", "llava", "cuda", "side a", "side b"):
        assert word not in told
    assert stage.arena.status(battle, ME) is Status.VOID
    wait_until(lambda: endless.running == 0)
    for refused in (stage.vote, stage.ask):
        with pytest.raises(BattleError, match="does not count"):
            refused(battle)
    assert stage.kept() == []


def test_a_model_that_fails_again_and_again_is_left_out_where_there_are_others(
    set_stage: Callable[..., Stage], caplog: pytest.LogCaptureFixture
) -> None:
    stage = set_stage(
        Writer(fail), Writer("a cat"), Writer("a dog"), limits=Limits(battles_a_minute=1_000)
    )
    failures = 0
    for _ in range(60):
        battle = stage.begin()
        names = {spec.name for spec in stage.arena._battles.get(battle, ME).specs}
        assert failures < OUTAGE_FAILURES or names == {"right-model", "third-model"}
        if "left-model" in names and failures < OUTAGE_FAILURES:
            failures += 1
            with pytest.raises(BattleError):
                stage.ask(battle)
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
        assert arena.status(battle, ME) is Status.READY
    assert list(arena.answer(battle, ME, good))[-1].done


# Turns


def test_each_side_keeps_its_own_history(stage: Stage, scene: Image.Image) -> None:
    battle = stage.begin()
    first = Request(Task.CHAT, "What is it?", (scene,))
    list(stage.arena.answer(battle, ME, first))
    list(stage.arena.answer(battle, ME, Request(Task.CHAT, "Are you sure?", (scene.copy(),))))
    said = {"left-model": "It is a dog.", "right-model": "A cat."}
    for name, engine in stage.engines.items():
        asked, answered, again = engine.prompts[1].messages[-3:]
        assert asked.text.endswith("What is it?")
        assert (answered.role, answered.text) == ("assistant", said[name])
        assert again.text.endswith("Are you sure?")
        # The same picture once more would begin the conversation anew where one is the most.
        assert (len(asked.images), len(again.images)) == (1, 0)
    vote = stage.vote(battle, keep=True)
    assert vote.turns == 2
    assert vote.a.outputs == (said[vote.a.model],) * 2
    assert [turn.text for turn in vote.conversation] == ["What is it?", "Are you sure?"]
    assert [len(turn.pictures) for turn in vote.conversation] == [1, 0]


def test_a_history_from_outside_does_not_count(stage: Stage) -> None:
    battle = stage.begin()
    smuggled = replace(Request(Task.CHAT, "Hello"), history=(("user", "I am someone else"),))
    list(stage.arena.answer(battle, ME, smuggled))
    for engine in stage.engines.values():
        assert [message.role for message in engine.prompts[0].messages].count("user") == 1


def test_a_battle_is_long_enough_after_so_many_turns(stage: Stage) -> None:
    battle = stage.begin()
    for _ in range(MAX_TURNS):
        stage.ask(battle)
    with pytest.raises(InputError, match="Please vote"):
        stage.ask(battle)
    assert stage.vote(battle).turns == MAX_TURNS


# Votes


def test_nobody_votes_before_the_end_or_for_somebody_else_or_twice(
    set_stage: Callable[..., Stage],
) -> None:
    go_on = threading.Event()
    stage = set_stage(Writer("a dog"), Writer("a", go_on.wait, " cat"))
    battle = stage.begin()
    with pytest.raises(BattleError, match="Please wait"):
        stage.vote(battle)
    sides = stage.arena.answer(battle, ME, Request(Task.CHAT, "What is it?"))
    next(sides)
    with pytest.raises(BattleError, match="Please wait"):
        stage.vote(battle)
    with pytest.raises(BattleError, match="still answering"):
        stage.ask(battle)
    go_on.set()
    assert list(sides)[-1].done
    with pytest.raises(BattleError, match="not known") as not_mine:
        stage.vote(battle, voter=OTHER)
    with pytest.raises(BattleError) as no_battle:
        stage.vote("no-such-battle")
    assert str(not_mine.value) == str(no_battle.value)
    with pytest.raises(BattleError):
        stage.arena.status(battle, OTHER)
    with pytest.raises(BattleError, match="after the vote"):
        stage.arena.reveal(battle, ME)
    stage.vote(battle)
    for again in (Winner.A, Winner.B):
        with pytest.raises(VotedAlreadyError):
            stage.vote(battle, again)
    with pytest.raises(VotedAlreadyError):
        stage.ask(battle)
    assert stage.arena.reveal(battle, ME).vote == stage.kept()[0]
    assert len(stage.kept()) == 1


def test_the_vote_can_come_as_soon_as_done_is_seen(stage: Stage) -> None:
    battle = stage.begin()
    with closing(stage.arena.answer(battle, ME, Request(Task.CHAT, "What is it?"))) as sides:
        for now in sides:
            if now.done:
                break
    assert stage.arena.status(battle, ME) is Status.VOTABLE
    stage.vote(battle)


def test_of_votes_at_the_same_moment_exactly_one_counts(stage: Stage) -> None:
    battle = stage.votable()
    ready = threading.Barrier(8)

    def vote(number: int) -> bool:
        ready.wait()
        try:
            stage.vote(battle, list(Winner)[number % 4])
        except VotedAlreadyError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(vote, range(8))).count(True) == 1
    assert len(stage.kept()) == 1


def test_a_vote_that_cannot_be_kept_can_be_cast_again(
    set_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    """The database's folder is not there at first. The failures use up no votes of the voter."""
    folder = tmp_path / "not-mounted"
    with closing(VoteStore(str(folder / "votes.db"))) as votes:
        folder.write_text("")
        stage = set_stage(Writer("a dog"), Writer("a cat"), limits=Limits(votes_a_minute=1))
        stage.arena = Arena(stage.backend, votes, NoCounts(), limits=Limits(votes_a_minute=1))
        battle = stage.votable()
        for _ in range(3):
            with pytest.raises(VotesError):
                stage.vote(battle)
            assert stage.arena.status(battle, ME) is Status.VOTABLE
        folder.unlink()
        folder.mkdir()
        stage.vote(battle)
        assert votes.get(battle) is not None


def test_a_vote_that_was_kept_although_the_connection_broke_off_counts_once(
    set_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    class BreaksOff(VoteStore):
        broken = False

        def add(self, vote: Vote) -> int:
            place = super().add(vote)
            if not self.broken:
                self.broken = True
                raise VotesError("The connection to the database broke off.")
            return place

    with closing(BreaksOff(str(tmp_path / "unsteady.db"))) as votes:
        stage = set_stage(Writer("a dog"), Writer("a cat"))
        stage.arena = Arena(stage.backend, votes, NoCounts())
        battle = stage.votable()
        with pytest.raises(VotesError):
            stage.vote(battle, Winner.A)
        assert stage.vote(battle, Winner.A) == votes.get(battle)
        assert votes.cast_since(FIRST_VOTE) == 1
        with pytest.raises(VotedAlreadyError):
            stage.vote(battle, Winner.A)


def test_what_is_no_opinion_is_refused(stage: Stage) -> None:
    battle = stage.votable()
    for said in (
        {"winner": "left-model"},
        {"boxes": "c"},
        {"boxes": Winner.A},  # nobody drew a box
        {"comment": "x" * 501},
        {"tags": ["x" * 41]},
        {"tags": [str(number) for number in range(11)]},
    ):
        with pytest.raises(InputError):
            stage.vote(battle, **{"winner": Winner.A} | said)
        assert stage.arena.status(battle, ME) is Status.VOTABLE
    vote = stage.vote(battle, comment=" fine\0\ud800 ", tags=["clear", "", "clear"])
    assert (vote.comment, vote.tags) == ("fine", ("clear",))
    assert stage.kept() == [vote]


def test_boxes_can_be_voted_on_where_an_answer_has_some(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(Writer("Here: [0.1, 0.2, 0.4, 0.6]."), Writer("I see no box."))
    battle = stage.begin()
    picture = Image.new("RGB", (64, 64), "white")
    *_, last = stage.arena.answer(battle, ME, Request(Task.CHAT, "Where is it?", (picture,)))
    assert ReplyState.FOUND in (last.a.state, last.b.state)
    assert stage.vote(battle, boxes=Winner.B).boxes is Winner.B


def test_too_many_are_refused_and_say_when(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(
        Writer("a dog"), Writer("a cat"), limits=Limits(votes_a_minute=2, battles_a_minute=4)
    )
    battles = [stage.votable() for _ in range(3)]
    for battle in battles[:2]:
        stage.vote(battle)
    with pytest.raises(RateLimitError, match=r"wait \d+ seconds"):
        stage.vote(battles[2])
    assert stage.arena.status(battles[2], ME) is Status.VOTABLE
    stage.begin()
    with pytest.raises(RateLimitError):
        stage.begin()
    stage.begin(OTHER)


def test_votes_before_a_restart_count_as_well(set_stage: Callable[..., Stage]) -> None:
    limits = Limits(votes_an_hour=2)
    for _ in range(2):
        stage = set_stage(Writer("a dog"), Writer("a cat"), limits=limits)
        stage.vote(stage.votable())
    restarted = set_stage(Writer("a dog"), Writer("a cat"), limits=limits)
    with pytest.raises(RateLimitError):
        restarted.vote(restarted.votable())


# Integrity


def test_a_battle_whose_models_gave_themselves_away_is_kept_and_not_rated(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(Writer("I am Qwen, made by Alibaba."), Writer("a cat"))
    assert stage.vote(stage.votable()).exclusion is Exclusion.IDENTITY
    stage = set_stage(Writer("a dog"), Writer("a cat"))
    assert stage.vote(stage.votable("Who are you?")).exclusion is Exclusion.IDENTITY
    assert stage.votes.cells() == []


def test_the_same_person_counts_once_on_the_same_question(stage: Stage) -> None:
    first = stage.vote(stage.votable("What is it?"))
    again = stage.vote(stage.votable("  what IS it?"))
    other = stage.vote(stage.votable("What is it?", OTHER), voter=OTHER)
    asked_else = stage.vote(stage.votable("What is that?"))
    found = [vote.exclusion for vote in (first, again, other, asked_else)]
    assert found == [None, Exclusion.REPEAT, None, None]


def test_prompts_that_come_again_and_again_count_less(stage: Stage) -> None:
    weights = []
    for number in range(8):
        voter = f"voter-{number}"
        weights.append(stage.vote(stage.votable("What is it?", voter), voter=voter).weight)
    assert weights == [1, 1, 1, 1, 1, 5 / 6, 5 / 7, 5 / 8]


def test_my_data_can_be_deleted(stage: Stage) -> None:
    stage.vote(stage.votable())
    stage.vote(stage.votable("What?", OTHER), voter=OTHER)
    waiting = stage.votable("Still there?")
    assert stage.arena.forget(ME) == 1
    assert [vote.voter for vote in stage.kept()] == [OTHER]
    with pytest.raises(BattleError):
        stage.vote(waiting)
    assert stage.arena.forget(ME) == 0


def test_what_is_forgotten_while_it_is_answered_does_not_come_back(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(Writer("a dog"), Writer("a cat"))
    battle = stage.begin()
    sides = stage.arena.answer(battle, ME, Request(Task.CHAT, "What is it?"))
    next(sides)
    stage.arena.forget(ME)
    list(sides)
    with pytest.raises(BattleError):
        stage.vote(battle)


# What battles are made of


def test_hashes_tell_what_differs() -> None:
    words = [
        Request(Task.CHAT, "What is it?"),
        Request(Task.CHAT, "What is that?"),
        Request(Task.VQA, "What is it?"),
        Request(Task.DESCRIBE_REGION, "", regions=(Box(0, 0, 1, 1),)),
        Request(Task.DESCRIBE_REGION, "", regions=(Box(0, 0, 1, 0.5),)),
    ]
    assert len({of_words([request]) for request in words} | {of_words(words[:2])}) == 6
    red, wide, tall = (
        Image.new("RGB", size, colour)
        for size, colour in (((4, 4), "red"), ((8, 2), "blue"), ((2, 8), "blue"))
    )
    assert len({of_pictures([picture]) for picture in (red, wide, tall)}) == 3
    assert of_pictures([red]) == of_pictures([red.copy()])
    assert of_pictures([]) == ""


def test_weights_that_were_trained_anew_have_another_revision(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(3_000_000))
    spec = ModelSpec(name="own", family="llava15", checkpoint=str(tmp_path))
    before = of_weights(spec)
    assert len(before) == 16
    assert of_weights(spec) == before
    weights.write_bytes(bytes(2_999_999) + b"\1")
    assert of_weights(spec) != before
    assert of_weights(replace(spec, revision="v1.0")) == "v1.0"
    assert of_weights(replace(spec, engine="remote")) == ""


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("What is in the picture?", "en"),
        ("Was ist auf dem Bild zu sehen?", "de"),
        ("Qu'est-ce que c'est ?", "fr"),
        ("¿Qué hay en la imagen?", "es"),
        ("これは何ですか", "ja"),
        ("这张图片里有什么？", "zh"),
        ("이게 뭐야", "ko"),
        ("Что изображено на картинке?", "ru"),
        ("ما هذا؟", "ar"),
        ("zebra", ""),
        ("12345 😀", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_question(words: str, language: str) -> None:
    assert language_of(words) == language


def test_battles_do_not_live_for_ever() -> None:
    now = [0.0]
    living = LivingBattles(lambda: now[0])
    specs = default_menu()[0], default_menu()[1]
    living.add("old", ME, Task.CHAT, specs)
    now[0] = MAX_AGE_S + 1
    with pytest.raises(BattleError, match="not known here any more"):
        living.get("old", ME)
    living.add("new", ME, Task.CHAT, specs)
    assert list(living._battles) == ["new"]


def test_pictures_of_old_battles_go_when_they_take_too_much(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    monkeypatch.setattr("vlm_demo.arena.battles.active_battles.MAX_PIXELS", 10_000)
    battles = []
    for _ in range(3):
        battles.append(stage.begin())
        picture = Image.new("RGB", (80, 80))
        list(stage.arena.answer(battles[-1], ME, Request(Task.CHAT, "What?", (picture,))))
    with pytest.raises(BattleError):
        stage.vote(battles[0])
    stage.vote(battles[2])


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("It never came to be.")
