"""A model judges battles that people have voted on: in both orders, and beside their votes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.databases import some_vote

from vlm_demo.arena.ratings.leaderboards import Leaderboards
from vlm_demo.arena.votes.judgements import JudgeAgreement, JudgementStore
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.arena.votes.vote import Contender, Origin, Selection, UserTurn, Vote, Winner
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.cli import run
from vlm_demo.errors import UnknownModelError
from vlm_demo.evaluation.judging import judge_votes
from vlm_demo.values import Reply, Request

JUDGE = "judge"


class ScriptedJudge:
    """A judge that says what a test wants of a prompt."""

    def __init__(self, answer: Callable[[str], str]) -> None:
        self._answer = answer
        self.requests: list[Request] = []

    def spec(self, name: str) -> ModelSpec:
        if name not in (JUDGE, "boxes"):
            raise UnknownModelError(f"There is no model {name}.")
        return ModelSpec(name=name, family="llava15", checkpoint=name, engine="remote")

    def answer(self, model: str, request: Request) -> Iterator[Reply]:
        assert model == JUDGE
        self.requests.append(request)
        text = self._answer(request.text)
        yield Reply(text, text)


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "white").save(file, "PNG")
    return file.getvalue()


def battle(name: str, winner: Winner = Winner.A, **changes: Any) -> Vote:
    given: dict[str, Any] = {
        "a": Contender(model="good", outputs=("right",)),
        "b": Contender(model="bad", outputs=("wrong",)),
        "conversation": (UserTurn(text="What is it?", images=(png(),)),),
    }
    return some_vote(name, winner=winner, **given | changes)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[VoteStore, JudgementStore]]:
    with ExitStack() as opened:
        votes, judgements = (
            VoteStore(str(tmp_path / "v.db")),
            JudgementStore(str(tmp_path / "v.db")),
        )
        opened.callback(votes.close)
        opened.callback(judgements.close)
        yield votes, judgements


def prefer_right(prompt: str) -> str:
    return "1" if "Answer 1:\nright" in prompt else "2"


def judge(backend: ScriptedJudge, store: JudgementStore, **options: Any) -> Any:
    return judge_votes(backend, store, JUDGE, **options)  # type: ignore[arg-type]  # scripted


def test_a_judge_is_asked_in_both_orders_and_stands_beside_people(
    stores: tuple[VoteStore, JudgementStore],
) -> None:
    votes, judgements = stores
    votes.add_all([battle("agree"), battle("differ", Winner.B), battle("tie", Winner.TIE)])
    backend = ScriptedJudge(prefer_right)
    outcome = judge(backend, judgements)
    assert (outcome.judged, outcome.unsteady, outcome.failed) == (3, 0, 0)
    assert len(backend.requests) == 6
    assert {request.images[0].size for request in backend.requests} == {(32, 32)}
    assert judgements.agreement(JUDGE, Selection()) == JudgeAgreement(3, 3, 2, 1)
    leaderboards = Leaderboards(votes, judgements)
    assert leaderboards.judge_leaderboard(JUDGE).model_names == ("good", "bad")
    assert leaderboards.judge_leaderboard(JUDGE, Selection(category="counting")).models == ()
    people = {rated.model: rated.rating for rated in leaderboards.leaderboard().models}
    assert people["good"] == pytest.approx(people["bad"])  # what the judge says changes nothing
    assert judge(backend, judgements).judged == 0  # no battle twice


def test_a_judge_that_prefers_a_place_calls_it_a_tie(
    stores: tuple[VoteStore, JudgementStore],
) -> None:
    votes, judgements = stores
    votes.add(battle("any"))
    assert judge(ScriptedJudge(lambda _: "1"), judgements).unsteady == 1
    assert judgements.agreement(JUDGE, Selection()) == JudgeAgreement(1, 0, 0, 0)


def test_only_kept_battles_of_people_and_others_are_judged(
    stores: tuple[VoteStore, JudgementStore],
) -> None:
    votes, judgements = stores
    own = Contender(model=JUDGE, outputs=("right",))
    votes.add_all(
        [
            battle("kept"),
            battle("without words", conversation=()),
            battle("its own", a=own),
            battle("of the program", origin=Origin.AUTOMATIC),
        ]
    )
    assert [vote.battle for _, vote in judgements.read_unjudged(JUDGE)] == ["kept"]


def test_an_answer_that_is_no_choice_is_counted_and_not_kept(
    stores: tuple[VoteStore, JudgementStore],
) -> None:
    votes, judgements = stores
    votes.add_all([battle("one"), battle("two")])
    outcome = judge(ScriptedJudge(lambda _: "I cannot"), judgements, limit=1)
    assert (outcome.judged, outcome.failed) == (0, 1)
    assert judgements.judges() == ()


def test_boxes_are_shown_to_the_judge_in_one_form(
    stores: tuple[VoteStore, JudgementStore],
) -> None:
    votes, judgements = stores
    boxes = Contender(model="boxes", outputs=("A cat [0.10, 0.20, 0.50, 0.60].",))
    votes.add(battle("boxes", a=boxes))
    backend = ScriptedJudge(prefer_right)
    judge(backend, judgements)
    assert "10, 20, 50, 60" in backend.requests[0].text
    assert "[0.10" not in backend.requests[0].text


def test_a_withdrawn_vote_takes_its_judgement_along(
    stores: tuple[VoteStore, JudgementStore],
) -> None:
    votes, judgements = stores
    votes.add(battle("one", voter="somebody"))
    judge(ScriptedJudge(prefer_right), judgements)
    votes.delete(voter="somebody")
    assert judgements.judges() == ()


def test_the_leaderboard_of_a_judge_is_a_command(
    stores: tuple[VoteStore, JudgementStore],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    votes, judgements = stores
    votes.add(battle("one", Winner.B))
    judge(ScriptedJudge(prefer_right), judgements)
    arguments = ["leaderboard", "--json", "--votes", str(tmp_path / "v.db")]
    assert run([*arguments, "--judge", JUDGE]) == 0
    assert json.loads(capsys.readouterr().out)[0]["model"] == "good"
    assert run(arguments) == 0
    assert json.loads(capsys.readouterr().out)[0]["model"] == "bad"
