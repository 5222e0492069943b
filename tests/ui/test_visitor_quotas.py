"""A visitor who has had enough answers is told how long to wait; others are answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from support import scripted
from support.studio import StudioClient

from vlm_demo.backend import Backend
from vlm_demo.quotas.limits import AnswerQuota, Quotas

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("collect_garbage")]


@pytest.fixture(scope="module")
def address(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    backend.quota = AnswerQuota(Quotas(answers_an_hour=2))
    with scripted.served(backend, tmp_path_factory.mktemp("page")) as served:
        yield served


def test_answers_of_the_hour_are_counted_over_all_ways_to_ask(address: str, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (64, 48), "red").save(picture)
    me, other = StudioClient(address), StudioClient(address)
    sent = {"path": me.upload(picture), "meta": {"_type": "gradio.FileData"}}
    assert me.answer(text="one")[-1]["type"] == "done"
    locate = "locate", sent, "red circle", "", None, None, None
    assert me.call(*locate)["items"]
    refused = me.answer(text="three")[-1]
    assert refused["type"] == "failed"
    assert "in the last hour" in str(refused["message"])
    assert (
        list(me.events("locate", me.join("locate", sent, "red circle", "", None, None, None)))[-1][
            0
        ]
        == "error"
    )
    assert other.answer(text="one")[-1]["type"] == "done"
    me.close()
    other.close()
