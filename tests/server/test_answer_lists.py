"""What the operator browses: flagged answers, and those that failed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from PIL import Image
from support.databases import sqlite_url
from support.scripted import served

from vlm_demo.arena import Feedback, open_feedback
from vlm_demo.backend import Backend
from vlm_demo.errors import EngineError, QueueFullError, QuotaError, VotesError
from vlm_demo.moderation import ModeratedBackend
from vlm_demo.server import Monitor
from vlm_demo.server.failed_answers import FailedAnswers, ServedBackend
from vlm_demo.settings import Settings
from vlm_demo.values import Reply, Request, Task

__all__ = ["sqlite_url"]

HOSTILE = "<script>alert(1)</script>"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def flag(number: int, verdict: str = "flag") -> Feedback:
    given_at = NOON + timedelta(minutes=number)
    words = f"question {number} {HOSTILE}", f"answer {number}"
    return Feedback(f"turn-{number}", "v", "one", "chat", verdict, HOSTILE, given_at, *words)


def test_flags_are_counted_read_in_pages_and_removed(sqlite_url: str) -> None:
    with closing(open_feedback(Settings(votes=sqlite_url))) as store:
        for number in range(5):
            store.add(flag(number, "up" if number == 2 else "flag"))
        assert store.count_flags() == 4
        assert [one.answer for one in store.read_flags(1, 2)] == ["turn-3", "turn-1"]
        assert store.read_flags(0, 1)[0].question == f"question 4 {HOSTILE}"
        store.remove("v", "turn-4")
        store.remove("v", "no such")
        assert [one.answer for one in store.read_flags(0, 9)] == ["turn-3", "turn-1", "turn-0"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (EngineError("The GPU is gone."), "EngineError: The GPU is gone."),
        (ValueError("what somebody wrote"), "ValueError"),
        (QueueFullError("full"), ""),
        (QuotaError("enough"), ""),
    ],
)
def test_what_failed_is_noted_without_what_was_asked(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object, model: str, request: Request) -> Generator[Reply, None, None]:
        yield Reply("a", "a")
        raise error

    monkeypatch.setattr(ModeratedBackend, "answer", fail)
    backend = ServedBackend(())
    backend.failed = FailedAnswers()
    asked = Request(Task.VQA, "my secret", (Image.new("RGB", (40, 30)),))
    with pytest.raises(type(error)):
        list(backend.answer("one", asked))
    assert [one.error for one in backend.failed.read()] == ([words] if words else [])
    for one in backend.failed.read():
        assert (one.characters, one.images, one.task) == (9, ((40, 30),), "vqa")
        assert "secret" not in str(one)
        backend.failed.remove(one.number)
    assert backend.failed.read() == []


def test_the_operator_browses_and_deletes(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = Monitor()
    monitor.failed.note("one", Request(Task.CHAT, "x"), EngineError(HOSTILE))
    votes = str(tmp_path / "flags.db")
    with closing(open_feedback(Settings(votes=votes))) as store:
        for number in range(60):
            store.add(flag(number))
        with (
            served(backend, tmp_path, monitor=monitor, votes=votes) as address,
            httpx.Client(base_url=address, trust_env=False, follow_redirects=True) as http,
        ):
            assert "<td>60</td>" in http.get("operations").text
            shown = http.get("operations?show=answers").text
            assert "question 59" in shown and "question 9 " not in shown
            assert "EngineError" in shown and HOSTILE not in shown
            assert "question 9 " in http.get("operations?show=answers&page=1").text
            assert http.get("operations?show=answers&page=-1e9").status_code == 200
            gone = {"act": "delete", "voter": "v", "answer": "turn-59"}
            assert "question 59" not in http.post("operations", data=gone).text
            assert (
                "EngineError"
                not in http.post("operations", data={"act": "delete", "failure": "1"}).text
            )
            elsewhere = {"Sec-Fetch-Site": "cross-site"}
            assert http.post("operations", data=gone, headers=elsewhere).status_code == 403

            def fail(*_: object) -> None:
                raise VotesError("The votes database is busy.")

            monkeypatch.setattr(type(store), "read_flags", fail)
            assert "is busy" in http.get("operations?show=answers").text
