"""Uploads over HTTP: whose they are, and how many somebody may send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import scripted
from support.studio import StudioClient

from vlm_demo.backend import Backend

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("collect_garbage")]


@pytest.fixture(scope="module")
def address(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    limits: dict[str, Any] = {"visitor_uploads": 3, "visitor_bytes": 40_000}
    with scripted.served(backend, tmp_path_factory.mktemp("page"), **limits) as served:
        yield served


@pytest.fixture
def clients(address: str) -> Iterator[list[StudioClient]]:
    opened = [StudioClient(address), StudioClient(address), StudioClient(address, cookies=False)]
    yield opened
    for client in opened:
        client.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.png"
    Image.new("RGB", (64, 48), "red").save(file)
    return file


def test_a_path_is_worth_nothing_to_others(clients: list[StudioClient], picture: Path) -> None:
    me, *others = clients
    path = me.upload(picture)
    url = f"gradio_api/file={path}"
    assert me.http.get(url).content == picture.read_bytes()
    shown = me.call("studio_image", path, "mine")
    assert me.http.get(shown["url"]).status_code == 200
    sent = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for other in others:
        for address in (url, url.replace("file=", "file/"), shown["url"], url.replace("/", "//")):
            assert other.http.get(address).status_code in (403, 404), address
        assert "did not arrive" in other.call("studio_image", path, "x")["error"]["words"]
        found = list(
            other.events("locate", other.join("locate", sent, "red circle", "", None, None, None))
        )
        assert found[-1][0] == "error"
        # The same bytes from somebody else are another file.
        assert other.upload(picture) != path
    assert me.http.get(url).status_code == 200


def test_uploads_of_an_hour_are_counted_for_each_visitor(
    clients: list[StudioClient], picture: Path
) -> None:
    me, other, _ = clients
    for _ in range(3):
        me.upload(picture)
    with picture.open("rb") as file:
        refused = me.http.post("gradio_api/upload", files={"files": ("a.png", file)})
    assert refused.status_code == 429
    assert "Wait 60 minutes" in refused.text
    assert int(refused.headers["retry-after"]) > 3_000
    with picture.open("rb") as file:
        refused = me.http.post(
            "gradio_api/upload",
            files={"files": ("a.png", file)},
            headers={"Accept": "application/json"},
        )
    assert "Wait 60 minutes" in refused.json()["error"]
    assert other.upload(picture)


def test_older_files_of_a_visitor_make_room(address: str, tmp_path: Path) -> None:
    client = StudioClient(address)
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(30_000))
    first = client.upload(large)
    second = client.upload(large)
    assert client.http.get(f"gradio_api/file={second}").status_code == 200
    assert client.http.get(f"gradio_api/file={first}").status_code != 200
    large.write_bytes(bytes(50_000))
    with large.open("rb") as file:
        refused = client.http.post("gradio_api/upload", files={"files": ("a.bin", file)})
    assert refused.status_code == 413
    client.close()
