"""A full disk, a clock that is set back, a port in use, a start from anywhere: words, no losses."""

from __future__ import annotations

import errno
import os
import socket
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gradio.route_utils
import pytest
from itsdangerous import TimestampSigner
from PIL import Image
from support.databases import some_vote
from support.scripted import served
from support.studio import StudioClient

from vlm_demo.arena.votes.newcomers import Newcomer
from vlm_demo.arena.votes.store import VoteStore
from vlm_demo.backend import Backend
from vlm_demo.errors import QuotaError, SettingsError
from vlm_demo.quotas.limits import AnswerQuota, Quotas
from vlm_demo.server.operators import Operators
from vlm_demo.server.ports import check_port
from vlm_demo.settings import Settings
from vlm_demo.ui.components import uploaded_images
from vlm_demo.ui.files.tree import open_file_tree
from vlm_demo.ui.streaming import error_message

FULL = OSError(errno.ENOSPC, "No space left on device")


def fail(*_: object, **__: object) -> Any:
    raise FULL


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.png"
    Image.new("RGB", (64, 48), "red").save(file)
    return file


# A full disk


def test_uploads_and_exports_on_a_full_disk_fail_in_words_and_work_again(
    backend: Backend, tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(backend, tmp_path / "page") as address:
        page = StudioClient(address)
        image = page.add_image(picture)["id"]
        answer = {"model": "scripted", "task": "chat", "text": "x", "images": [image], "raw": "x"}
        with monkeypatch.context() as disk:
            disk.setattr(gradio.route_utils, "NamedTemporaryFile", fail)
            with picture.open("rb") as file:
                refused = page.http.post("gradio_api/upload", files={"files": ("a.png", file)})
            assert (refused.status_code, "No space left" in refused.text) == (507, True)
            disk.setattr(Path, "write_bytes", fail)
            disk.setattr(os, "fsync", fail)
            disk.setattr(uploaded_images.Image, "save", fail)
            for form in ("png", "json"):
                said = page.call("studio_export", form, [answer])["error"]
                assert "No space left" in str(said), form
            assert page.http.get("healthz").status_code == 200
        assert page.add_image(picture)["id"]  # without a restart
        assert "url" in page.call("studio_export", "json", [answer])
        page.close()


def test_a_disk_that_takes_no_more_is_no_mistake_of_the_program(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert str(error_message(FULL)) == "No file can be written here: No space left on device."
    assert "Traceback" not in caplog.text
    assert "Something went wrong" in str(error_message(OSError(errno.ENOENT, "No such file")))


# A clock that is set back


def test_waits_are_measured_without_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    quota = AnswerQuota(Quotas(answers_an_hour=1))
    with quota.admit("me"):
        pass
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with pytest.raises(QuotaError) as refused, quota.admit("me"):
        pass
    assert 3_500 < refused.value.wait_s <= 3_600


def test_an_operator_signs_in_again_after_the_clock_was_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = Operators(Settings(public=True, operator_password="x"), str)
    cookie = who.sign_in("x", is_secure=False).partition(";")[0]
    assert who.knows(cookie)
    now = TimestampSigner("").get_timestamp()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now - 86_400)
    assert not who.knows(cookie)
    assert who.knows(who.sign_in("x", is_secure=False).partition(";")[0])


def test_votes_of_the_future_are_counted_and_keep_nobody_from_voting(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with closing(VoteStore(str(tmp_path / "votes.db"))) as store:
        for number in range(3):
            cast = {"voted_at": now + timedelta(days=number), "voter": "me"}
            store.add(some_vote(f"battle-{number}", **cast), Newcomer("here", False, 1.0))
        earlier = now - timedelta(days=1)
        assert store.count_cast_since(earlier - timedelta(hours=1), "me", until=earlier) == 0
        store.add(some_vote("earlier", voted_at=earlier, voter="me"), Newcomer("here", False, 1.0))
        assert store.verify() == []
        assert len(list(store.read())) == 4


def test_files_stay_when_the_clock_is_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with open_file_tree(Settings()) as tree:
        kept = tmp_path / "vlm_demo" / "visitors" / "a" / "b" / "c.png"
        kept.parent.mkdir(parents=True)
        kept.write_bytes(b"x")
        monkeypatch.setattr(time, "time", lambda: 1e9)
        tree.clean()
        assert kept.is_file()


# The start


def test_a_port_in_use_is_said_with_the_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} is in use.*--port"):
            check_port("127.0.0.1", port)


def test_a_page_works_from_any_folder_although_votes_cannot_be_kept(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    no_folder = tmp_path / "file"
    no_folder.write_text("this is no folder")
    with served(backend, tmp_path / "page", votes=str(no_folder / "votes.db")) as address:
        page = StudioClient(address)
        example = page.call("studio_start")["examples"][0]["id"]
        assert page.call("studio_image", f"example:{example}", "")["id"]
        assert page.answer(text="one")[-1]["type"] == "done"
        given = {"turn": "t", "model": "scripted", "verdict": "up"}
        assert "cannot be reached" in str(page.call("studio_feedback", given)["error"])
        assert "cannot be reached" in page.http.get("operations?show=answers").text
        page.close()
    assert list(elsewhere.iterdir()) == []
