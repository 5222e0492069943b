"""Battles that the program judges: every pair on every question, by the truth, and only once."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Origin, Vote, Winner
from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.cli import run
from vlm_demo.engines import NumberFormat
from vlm_demo.errors import EngineError, LoadError, SettingsError, UnknownModelError
from vlm_demo.evaluation import battles, questions_for_battles, scenes
from vlm_demo.evaluation.benchmark import Grade, Question
from vlm_demo.values import Box, Mention, Reply, Request, Task

LLAVA, KOSMOS = "embedded-llava15", "embedded-kosmos2"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VoteStore]:
    store = VoteStore(str(tmp_path / "votes.db"))
    yield store
    store.close()


class Scripted:
    """Models that answer as a test wants: `answer` is given the model's name and the request."""

    def __init__(self, answer: Callable[[str, Request], str], *models: str, **facts: Any) -> None:
        self._answer = answer
        self.menu = tuple(
            ModelSpec(name=name, family="llava15", checkpoint=name, engine="remote", **facts)
            for name in models
        )
        self.asked: Counter[str] = Counter()

    def spec(self, name: str) -> ModelSpec:
        return next(spec for spec in self.menu if spec.name == name)

    def load(self, name: str) -> Iterator[None]:
        yield from ()

    def format(self, name: str) -> NumberFormat:
        return NumberFormat.AUTO

    def answer(self, model: str, request: Request) -> Iterator[Reply]:
        self.asked[model] += 1
        text = self._answer(model, request)
        yield Reply(text, text)


def asked(count: int, *, wanted: str = "yes") -> list[Question]:
    """Questions whose answer is `wanted`."""

    def grade(reply: Reply) -> Grade:
        return Grade(float(reply.text == wanted))

    return [
        Question(f"is it {number}?", Request(Task.VQA, f"is it {number}?"), "en", grade)
        for number in range(count)
    ]


def play(backend: object, store: VoteStore, *models: str, **options: Any) -> battles.BattleOutcome:
    options = {"benchmark": "made up", "questions": asked(10)} | options
    return battles.play(backend, store, models, **options)  # type: ignore[arg-type]  # scripted


def votes_in(store: VoteStore) -> list[Vote]:
    return [vote for _, vote in store.read()]


def winner_of(vote: Vote) -> str:
    return {Winner.A: vote.a.model, Winner.B: vote.b.model}.get(vote.winner, vote.winner.value)


def test_the_command_lets_the_embedded_models_meet_on_the_drawn_world(
    tmp_path: Path, store: VoteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "votes.db")
    command = ["battles", "--models", f"{LLAVA}, {KOSMOS}", "--seed", "5", "--questions", "24"]

    assert run([*command, "--votes", path, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    questions = questions_for_battles("scenes", seed=5, count=24)
    english = [question for question in questions if question.language == "en"]
    votes = votes_in(store)
    assert told["added"] == len(votes) == len(english)  # one of the two knows no Japanese
    assert (told["present"], told["void"], told["failures"], told["stopped"]) == (0, 0, {}, False)
    assert {row["model"] for row in told["leaderboard"]} == {LLAVA, KOSMOS}
    assert all(row["votes"] == len(votes) for row in told["leaderboard"])
    assert all(vote.origin is Origin.AUTOMATIC and not vote.voter for vote in votes)
    assert all(vote.began_at < vote.ended_at < vote.voted_at for vote in votes)
    assert all(side.revision and side.outputs[0] for vote in votes for side in (vote.a, vote.b))
    assert all(vote.prompt_hash and vote.image_hash for vote in votes)
    assert {vote.task for vote in votes} >= {Task.VQA, Task.GROUNDING, Task.GROUNDED_CAPTION}
    assert len({vote.a.model for vote in votes}) == 2  # neither always stands on the left
    # Both were trained on such scenes: most of their answers are right, and so ties.
    assert sum(vote.winner is Winner.TIE for vote in votes) > len(votes) / 2
    assert all(vote.boxes for vote in votes if vote.task is Task.GROUNDED_CAPTION)
    assert not any(vote.boxes for vote in votes if vote.task is Task.VQA)
    assert store.verify() == []


def test_every_two_models_meet_once_on_every_question(store: VoteStore) -> None:
    backend = Scripted(lambda model, _: "yes" if model == "right" else "no", "right", "one", "two")

    outcome = play(backend, store, "right", "one", "two")

    assert outcome.added == 30
    assert backend.asked == {"right": 10, "one": 10, "two": 10}
    met = Counter(
        (*sorted((vote.a.model, vote.b.model)), winner_of(vote)) for vote in votes_in(store)
    )
    assert met == {
        ("one", "right", "right"): 10,
        ("right", "two", "right"): 10,
        ("one", "two", "both_bad"): 10,
    }


def test_a_second_run_counts_nothing_twice_and_asks_nobody_again(store: VoteStore) -> None:
    backend = Scripted(lambda *_: "yes", "a", "b", "c")
    play(backend, store, "a", "b")

    again = play(backend, store, "b", "a")  # the order of the names is no other battle
    more = play(backend, store, "a", "b", "c", questions=asked(12))

    assert (again.added, again.present) == (0, 10)
    assert (more.added, more.present) == (2 * 12 + 2, 10)
    assert backend.asked == {"a": 10 + 12, "b": 10 + 12, "c": 12}
    assert store.head().seq == 36


def test_another_benchmark_or_revision_is_another_battle(store: VoteStore) -> None:
    play(Scripted(lambda *_: "yes", "a", "b"), store, "a", "b")

    other = play(Scripted(lambda *_: "yes", "a", "b"), store, "a", "b", benchmark="another")
    newer = play(Scripted(lambda *_: "yes", "a", "b", revision="2"), store, "a", "b")

    assert (other.added, newer.added) == (10, 10)


def test_a_model_that_fails_makes_its_battles_void_and_no_others(store: VoteStore) -> None:
    def answer(model: str, request: Request) -> str:
        if model == "broken" and "3" in request.text:
            raise EngineError("It broke.")
        return "" if model == "silent" and "4" in request.text else "yes"

    backend = Scripted(answer, "broken", "silent", "sound")

    outcome = play(backend, store, "broken", "silent", "sound")

    assert (outcome.added, outcome.void) == (30 - 4, 4)
    assert outcome.failures == {"broken": 1, "silent": 1}
    assert {vote.winner for vote in votes_in(store)} == {Winner.TIE}  # nobody lost
    assert play(backend, store, "broken", "silent", "sound").void == 4  # they are tried again


def test_what_cannot_be_loaded_ends_the_run_and_keeps_what_was_judged(store: VoteStore) -> None:
    class Gone(Scripted):
        def load(self, name: str) -> Iterator[None]:
            if name == "gone":
                raise LoadError("gone is not on this computer.")
            yield from ()

    with pytest.raises(LoadError, match="gone"):
        play(Gone(lambda *_: "yes", "a", "b", "gone"), store, "a", "b", "gone")
    assert store.head().seq == 10


def test_an_interrupted_run_keeps_what_was_judged_and_goes_on(
    store: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(battles, "CHUNK", 4)
    interrupt = True
    # A process of pytest-xdist ignores Ctrl+C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def answer(model: str, request: Request) -> str:
        if interrupt and model == "b" and request.text == "is it 6?":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            threading.Event().wait(0.5)  # an answer that is being written when Ctrl+C comes
        return "yes"

    backend = Scripted(answer, "a", "b")

    try:
        stopped = play(backend, store, "a", "b", at_once=1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.was_interrupted
    assert stopped.added == store.head().seq == 6  # four of the first chunk, two of the next
    assert (stopped.void, stopped.failures) == (0, {})

    interrupt = False
    rest = play(backend, store, "a", "b")
    assert (rest.was_interrupted, rest.added, rest.present) == (False, 4, 6)


def test_models_are_asked_only_what_they_can_do_and_understand(store: VoteStore) -> None:
    languages = {"speaks": ("English", "Japanese"), "does not": ("English",), "silent": ()}
    backend = Scripted(lambda *_: "yes", *languages)
    backend.menu = tuple(
        ModelSpec(name=name, family="llava15", checkpoint=name, engine="remote", languages=known)
        for name, known in languages.items()
    )
    english, japanese = asked(2)
    questions = [english, Question("ja", Request(Task.VQA, "何？"), "ja", japanese.grade)]
    impossible = Question("region", Request(Task.DETECT, "all"), "en", english.grade)
    assert not backend.menu[0].supports(Task.DETECT)

    play(backend, store, *languages, questions=[*questions, impossible])

    assert backend.asked == {"speaks": 1, "does not": 1, "silent": 1}  # nobody else knows Japanese
    assert {vote.language for vote in votes_in(store)} == {"en"}


@pytest.mark.parametrize(
    ("a", "b", "winner"),
    [
        (1.0, 0.0, Winner.A),
        (0.0, 1.0, Winner.B),
        (1.0, 1.0, Winner.TIE),
        (0.0, 0.0, Winner.BOTH_BAD),
        (0.49, 0.1, Winner.BOTH_BAD),
        (0.85, 0.95, Winner.TIE),
        (0.8, 0.95, Winner.B),
        (0.55, 0.2, Winner.A),
    ],
)
def test_the_better_grade_wins_by_a_margin(a: float, b: float, winner: Winner) -> None:
    assert battles._decide(a, b) is winner


def drawn(measure: str) -> scenes._SceneQuestion:
    return next(q for q in scenes._draw_questions(7, 40, japanese=False) if q.measure == measure)


def graded(measure: str, reply: Callable[[scenes._SceneQuestion], Reply]) -> Grade:
    question = drawn(measure)
    return scenes._grade(question, reply(question))


def said(text: str, *boxes: Box) -> Reply:
    return Reply(text, text, tuple(Mention("", (0, 0), (box,)) for box in boxes))


def shifted(box: Box, share: float) -> Box:
    by = (box.x2 - box.x1) * share
    return Box(box.x1 + by, box.y1, box.x2 + by, box.y2)


def test_a_search_is_graded_by_its_overlap() -> None:
    truth = drawn("locate").exchange.phrases[0].boxes[0]

    assert graded("locate", lambda _: said("", truth)) == Grade(1.0, 1.0)
    assert graded("locate", lambda _: said("it is there")) == Grade(0.0, 0.0)
    grade = graded("locate", lambda _: said("", shifted(truth, 1 / 3)))
    assert grade.answer == grade.boxes == pytest.approx(0.5)


def test_a_grounded_caption_is_graded_by_its_words_and_by_its_boxes() -> None:
    question = drawn("grounded_caption")
    boxes = [thing.box for thing in question.scene.objects]
    words = question.exchange.answer_text()

    assert scenes._grade(question, said(words, *boxes)) == Grade(1.0, pytest.approx(1.0))
    assert scenes._grade(question, said(words, *reversed(boxes))) == Grade(1.0, pytest.approx(1.0))
    assert scenes._grade(question, said("Nothing.", *boxes)) == Grade(0.0, pytest.approx(1.0))
    assert scenes._grade(question, said(words)) == Grade(1.0, 0.0)
    twice = scenes._grade(question, said(words, *boxes, *boxes))
    assert twice.boxes == pytest.approx(
        0.5
    )  # a box that is too many costs as much as a missing one


def test_something_absent_wants_the_right_word_and_no_box() -> None:
    right = drawn("absent").exchange.answer_text()
    box = Box(0.1, 0.1, 0.5, 0.5)

    assert graded("absent", lambda _: said(right)) == Grade(1.0, 1.0)
    assert graded("absent", lambda _: said(right, box)) == Grade(0.0, 0.0)
    assert graded("absent", lambda _: said("Yes.")) == Grade(0.0, 1.0)


def test_questions_of_a_benchmark_have_names_of_their_own() -> None:
    questions = [q for seed in (1, 2) for q in questions_for_battles("scenes", seed, 60)]
    assert len({question.name for question in questions}) == len(questions)
    again = questions_for_battles("scenes", 1, 60)
    assert [q.name for q in again] == [q.name for q in questions[: len(again)]]
    half = {question.name.split()[0] for question in again[: len(again) // 2]}
    assert len(half) > 5  # whoever stops half way has asked most kinds


def test_what_cannot_be_played_is_said(
    store: VoteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = ["--votes", str(tmp_path / "votes.db")]
    assert run(["battles", "--models", LLAVA, *votes]) == 2
    assert "two models" in capsys.readouterr().err
    backend = Backend(default_menu())
    with pytest.raises(SettingsError, match="two models"):
        play(backend, store, LLAVA, LLAVA)
    with pytest.raises(UnknownModelError, match="gpt-9"):
        play(backend, store, LLAVA, "gpt-9")
    with pytest.raises(SettingsError, match=r"no questions for battles.*scenes"):
        questions_for_battles("mmmu")
    with pytest.raises(SettingsError, match=r"'scenes-choices' has no questions.*: scenes"):
        questions_for_battles("scenes-choices")
