"""What is checked before a model is asked, and before its answer is shown."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import ModerationError, SettingsError, UnknownModelError
from vlm_demo.moderation import ModeratedBackend
from vlm_demo.settings import Settings
from vlm_demo.values import Reply, Request, Task

MENU = [
    ModelSpec(name="one", family="llava15", checkpoint="here"),
    ModelSpec(name="guard", family="llava15", checkpoint="there"),
]

PROGRAM = """
import json, sys
sent = json.load(sys.stdin)
assert sent["stage"] in ("question", "answer")
if "crash" in sent["text"]:
    sys.exit(7)
sys.exit("bad" in sent["text"] or len(sent["images"]) > 1)
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Let every model echo its words; return who was asked what."""
    questions: list[tuple[str, str]] = []

    def answer(_: Backend, model: str, request: Request) -> Generator[Reply, None, None]:
        questions.append((model, request.text))
        if model == "guard":
            text = request.text.rpartition("Text: ")[2]
            yield Reply("", "Yes." if "bad" in text else "No." if "odd" not in text else "Hm.")
            return
        yield Reply("", "", queue_position=1, is_waiting=True)
        yield Reply(request.text[:2], request.text[:2])
        yield Reply(request.text, request.text)

    monkeypatch.setattr(Backend, "answer", answer)
    return questions


@pytest.fixture
def command(tmp_path: Path) -> str:
    program = tmp_path / "check.py"
    program.write_text(PROGRAM)
    return f"{sys.executable} {program}"


def backend(**settings: str) -> ModeratedBackend:
    own = ModeratedBackend(MENU)
    own.moderate(Settings(**settings))  # type: ignore[arg-type]  # of any setting
    return own


def ask(own: Backend, text: str, images: int = 0) -> list[str]:
    picture = Image.new("RGB", (8, 8))
    return [
        reply.text for reply in own.answer("one", Request(Task.CHAT, text, (picture,) * images))
    ]


def test_it_is_off_by_default(asked: list[tuple[str, str]]) -> None:
    assert ask(backend(), "bad") == ["", "ba", "bad"]


def test_a_command_refuses_questions_answers_and_pictures(
    asked: list[tuple[str, str]], command: str
) -> None:
    own = backend(moderation_command=command)
    assert ask(own, "fine", images=1) == ["", "fine"]  # whole, once it has been checked
    with pytest.raises(ModerationError, match="does not answer that"):
        ask(own, "bad")
    with pytest.raises(ModerationError, match="does not answer that"):
        ask(own, "fine", images=2)
    assert len(asked) == 1  # the model never saw them
    with pytest.raises(ModerationError, match="cannot be checked"):
        ask(own, "crash")
    assert own.refusals == {"question": 2}


def test_an_answer_that_is_refused_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def answer(*_: object) -> Generator[Reply, None, None]:
        yield Reply("a ", "a ")
        yield Reply("a bad word", "a bad word")

    monkeypatch.setattr(Backend, "answer", answer)
    own, seen = backend(moderation_command=command), []
    with pytest.raises(ModerationError, match="is not shown"):
        for reply in own.answer("one", Request(Task.CHAT, "fine")):
            seen.append(reply.text)
    assert seen == []
    assert own.refusals == {"answer": 1}


def test_a_model_of_the_menu_can_judge(asked: list[tuple[str, str]]) -> None:
    own = backend(moderation_model="guard")
    assert ask(own, "fine")[-1] == "fine"
    with pytest.raises(ModerationError, match="does not answer that"):
        ask(own, "bad")
    with pytest.raises(ModerationError, match="cannot be checked"):
        ask(own, "odd")


def test_checks_that_cannot_be_are_refused_at_the_start() -> None:
    with pytest.raises(SettingsError):
        backend(moderation_command="'")
    with pytest.raises(UnknownModelError):
        backend(moderation_model="nobody")
    with pytest.raises(ModerationError):
        ask(backend(moderation_command="/no/such/program"), "fine")
