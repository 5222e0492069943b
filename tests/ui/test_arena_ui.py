"""The arena's events as a script meets them that wants to know or do more than it should."""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw
from support.page_script import PageScript
from support.scripted import served

import vlm_demo.backend
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import EngineError
from vlm_demo.families import get_family
from vlm_demo.values import Prompt, Sampling, TextChunk

MENU = tuple(
    ModelSpec(
        name=f"{animal}-7b",
        family=family,
        checkpoint=f"zoo/{animal}",
        engine="remote",
        licence=f"Licence of {animal}s",
    )
    for animal, family in (("walrus", "llava15"), ("puffin", "kosmos2"))
)


SECRETS = [
    word.casefold()
    for spec in MENU
    for word in (spec.name, spec.checkpoint, spec.family, spec.licence)
] + [get_family(spec.family).title.casefold() for spec in MENU]
"""What must not be seen before the vote."""

SETTINGS = [0, 1, 64, 1, None, ""]
"""Values of the page's generation settings."""


class Writer:
    """Writes some words, and waits or fails in the middle where a test wants that."""

    control_tokens: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        self.fails = False
        self.prompts: list[Prompt] = []

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        self.prompts.append(prompt)
        yield TextChunk("It is ")
        while not self.go_on.wait(0.05):
            yield TextChunk("very ")
        if self.fails:
            raise EngineError("walrus-7b of zoo/walrus ran out of fish")
        yield TextChunk("a circle.")

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def writers() -> dict[str, Writer]:
    return {spec.checkpoint: Writer() for spec in MENU}


@pytest.fixture(autouse=True)
def reset_writers(writers: dict[str, Writer]) -> Iterator[None]:
    yield
    for writer in writers.values():
        writer.fails = False
        writer.prompts.clear()
        writer.go_on.set()
    gc.collect()


@pytest.fixture(scope="module")
def backend(writers: dict[str, Writer]) -> Iterator[Backend]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            vlm_demo.backend, "open_engine", lambda options, *_: writers[options.checkpoint]
        )
        backend = Backend(MENU)
        yield backend
        backend.close()


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ballots") / "votes.db"


@pytest.fixture(scope="module")
def address(
    backend: Backend, votes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with served(backend, tmp_path_factory.mktemp("gradio"), votes=str(votes)) as address:
        yield address


def count_votes(votes: Path) -> int:
    if not votes.exists():
        return 0
    with closing(sqlite3.connect(votes)) as database:
        return int(database.execute("SELECT count(*) FROM votes").fetchone()[0])


class Script(PageScript):
    """A visitor of the arena."""

    def upload(self, picture: Path) -> None:
        """Put a picture on the board of the battle."""
        (path,) = self.http.post(
            "gradio_api/upload", files={"files": (picture.name, picture.read_bytes())}
        ).json()
        self.listen(self.send("battle-picture", "upload", None, None, event_data={"path": path}))

    def ask(self, task: str = "Chat", words: str = "What is it?") -> str:
        """Let a battle begin and come to its end."""
        return self.call("battle-run", "click", None, task, words, *SETTINGS)

    def vote(self, key: int = 1, **opinion: Any) -> str:
        return self.listen(self.cast(key, **opinion))

    def cast(self, key: int = 1, boxes: Any = None, tags: Any = (), comment: Any = "") -> str:
        return self.send(f"battle-vote-{key}", "click", None, boxes, tags, comment, False)


@pytest.fixture
def script(address: str) -> Iterator[Script]:
    script = Script(address)
    yield script
    script.http.close()


@pytest.fixture
def other(address: str) -> Iterator[Script]:
    """Somebody else."""
    other = Script(address)
    yield other
    other.http.close()


@pytest.fixture
def circle(tmp_path: Path) -> Path:
    image = Image.new("RGB", (400, 200), "white")
    ImageDraw.Draw(image).ellipse((40, 0, 160, 120), fill="red")
    image.save(tmp_path / "circle.png")
    return tmp_path / "circle.png"


def test_nothing_tells_who_the_models_are_before_the_vote(script: Script, circle: Path):
    script.upload(circle)
    assert "Both have answered" in script.ask()
    assert "Both have answered" in script.call("battle-ask", "click", None, "And now?", *SETTINGS)
    heard = script.heard.casefold()
    assert "a circle" in heard
    assert [word for word in SECRETS if word in heard] == []
    revealed = script.vote()
    assert all(spec.name in revealed and spec.licence in revealed for spec in MENU)


def test_a_replayed_vote_is_refused_and_counts_once(script: Script, circle: Path, votes: Path):
    script.upload(circle)
    script.ask()
    assert "You chose B" in script.vote(4)
    before = count_votes(votes)
    for key in (4, 1):
        assert "has been voted on" in script.vote(key)
    assert script.heard.count("You chose A") == 0
    assert count_votes(votes) == before


def test_many_clicks_at_a_time_are_one_vote(script: Script, circle: Path, votes: Path):
    script.upload(circle)
    script.ask()
    before = count_votes(votes)
    told = script.listen(*[script.cast(key) for key in (1, 2, 3, 4)])
    assert "has been voted on" in told
    assert count_votes(votes) == before + 1


def test_nobody_votes_without_a_battle(script: Script):
    answer = script.vote()
    assert "You chose" not in answer
    assert all(spec.name not in answer for spec in MENU)


def test_nobody_votes_before_both_have_answered(
    script: Script, circle: Path, writers: dict[str, Writer]
):
    script.upload(circle)
    slow = writers["zoo/puffin"]
    slow.go_on.clear()
    fight = script.send("battle-run", "click", None, "Chat", "What is it?", *SETTINGS)
    while not slow.prompts:
        time.sleep(0.01)
    early = script.cast()
    threading.Timer(1, slow.go_on.set).start()
    told = script.listen(fight, early)
    assert "until both models have answered" in told
    assert "Both have answered" in told
    assert [word for word in SECRETS if word in told.casefold()] == []
    assert "You chose A" in script.vote()


def test_nobody_votes_on_a_battle_of_somebody_else(address: str, script: Script, circle: Path):
    script.upload(circle)
    script.ask()
    thief = Script(address, script.session)
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        thief.vote()
    thief.http.close()
    assert "You chose A" in script.vote()


@pytest.mark.parametrize(
    "lie",
    [
        {"boxes": "everything"},
        {"boxes": "a"},  # there are none
        {"tags": ["the best of all"]},
        {"tags": "more correct"},
        {"comment": "x" * 5000},
    ],
    ids=["no such vote", "no boxes", "no such reason", "no list", "too long"],
)
def test_what_the_page_cannot_send_is_refused_and_the_battle_kept(
    script: Script, circle: Path, votes: Path, lie: dict[str, Any]
):
    script.upload(circle)
    script.ask()
    before = count_votes(votes)
    answer = script.vote(**lie)
    assert "You chose" not in answer
    assert all(spec.name not in answer for spec in MENU)
    assert count_votes(votes) == before
    assert "You chose A" in script.vote()


def test_a_battle_cannot_be_named_by_the_browser(script: Script):
    answer = script.call(
        "battle-vote-1", "click", {"battle": "x", "task": "chat"}, None, [], "", False
    )
    assert "There is no battle here" in answer


def test_votes_are_no_endpoints_for_programs(script: Script):
    named = script.http.get("gradio_api/info").json()["named_endpoints"]
    assert not [name for name in named if "vote" in name or "battle" in name]


def test_a_side_that_fails_makes_the_battle_void_and_stays_anonymous(
    script: Script, circle: Path, writers: dict[str, Writer], votes: Path
):
    script.upload(circle)
    writers["zoo/walrus"].fails = True
    assert "One of the two models could not answer" in script.ask()
    before = count_votes(votes)
    assert "You chose" not in script.vote()
    assert count_votes(votes) == before
    assert [word for word in SECRETS if word in script.heard.casefold()] == []


def test_a_side_that_fails_later_makes_the_whole_battle_void(
    script: Script, circle: Path, writers: dict[str, Writer], votes: Path
):
    script.upload(circle)
    script.ask()
    writers["zoo/puffin"].fails = True
    assert "does not count" in script.call("battle-ask", "click", None, "And now?", *SETTINGS)
    before = count_votes(votes)
    assert "You chose" not in script.vote()
    assert count_votes(votes) == before


def test_a_turn_that_cannot_be_asked_leaves_the_vote(script: Script, circle: Path):
    script.upload(circle)
    script.ask()
    refused = script.call("battle-ask", "click", None, "x" * 10_000, *SETTINGS)
    assert "10,000 characters" in refused
    assert "You chose A" in script.vote()


def test_a_vote_waits_for_the_database_to_come_back(backend: Backend, circle: Path, tmp_path: Path):
    votes = tmp_path / "away" / "votes.db"
    with served(backend, tmp_path / "gradio", votes=str(votes), secret="hush") as address:
        script = Script(address)
        script.upload(circle)
        script.ask()
        voting = threading.Thread(target=script.vote)
        voting.start()
        while "Trying again" not in script.heard:
            time.sleep(0.01)
        votes.parent.mkdir()
        voting.join()
        assert "You chose A" in script.heard
        script.http.close()
        assert count_votes(votes) == 1


def test_my_data_is_deleted_and_nobody_elses(
    script: Script, other: Script, circle: Path, votes: Path
):
    for each in (script, other):
        each.upload(circle)
        each.ask()
        each.vote()
    assert "One vote was deleted" in script.call("battle-really", "click")
    with closing(sqlite3.connect(votes)) as database:
        voters = {row[0] for row in database.execute("SELECT DISTINCT voter FROM votes")}
    other.call("battle-really", "click")
    with closing(sqlite3.connect(votes)) as database:
        fewer = {row[0] for row in database.execute("SELECT DISTINCT voter FROM votes")}
    assert len(voters) - len(fewer) == 1


# Several answers at once
