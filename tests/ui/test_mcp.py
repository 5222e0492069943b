"""The page's actions as tools of assistants, over the Model Context Protocol."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image
from support import scripted
from support.scripted import ScriptedEngine

from vlm_demo.backend import Backend
from vlm_demo.errors import SettingsError
from vlm_demo.ui import layout

pytestmark = [
    pytest.mark.usefixtures("collect_garbage"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

T = TypeVar("T")


@pytest.fixture(scope="module")
def server(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scripted.served(backend, tmp_path_factory.mktemp("page"), mcp=True) as address:
        yield f"{address}gradio_api/mcp/"


def talk(server: str, say: Callable[[ClientSession], Awaitable[T]]) -> T:
    """Let an assistant that has just introduced itself do something."""

    async def whole() -> T:
        async with (
            streamable_http_client(server) as (incoming, outgoing, _),
            ClientSession(incoming, outgoing) as session,
        ):
            await session.initialize()
            return await say(session)

    return asyncio.run(whole())


def call(server: str, tool: str, **arguments: Any) -> Any:
    result = talk(server, lambda session: session.call_tool(tool, arguments))
    first, *pictures = result.content
    if result.isError:
        return first.text
    assert json.loads(first.text) == result.structuredContent
    assert all(part.type == "image" for part in pictures)
    return result.structuredContent | {"pictures": [part.data for part in pictures]}


def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 200), "white").save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def test_every_action_but_voting_is_a_described_tool(server: str) -> None:
    tools = talk(server, lambda session: session.list_tools()).tools

    assert {tool.name for tool in tools} == scripted.ENDPOINTS
    for tool in tools:
        assert tool.description
        properties = tool.inputSchema["properties"]
        assert all(schema.get("description") for schema in properties.values()), tool.name


def test_a_tool_finds_things_in_a_picture(server: str) -> None:
    found = call(server, "locate", picture=picture(), words="red circle")
    assert found["items"][0]["phrase"] == "red circle"
    assert found["items"][0]["boxes_xyxy_px"] == [[40, 0, 160, 140]]
    (annotated,) = found["pictures"]
    with Image.open(io.BytesIO(base64.b64decode(annotated))) as image:
        assert image.size == (400, 200)
        red, green, blue = image.convert("RGB").getpixel((40, 100))
        assert min(red, green, blue) < 200  # a line of the box on white


def test_a_picture_comes_without_boxes_where_none_are_found(server: str) -> None:
    assert call(server, "locate", picture=picture(), words="zebra")["pictures"] == []


def test_a_list_is_the_result_of_an_object(server: str) -> None:
    names = [model["name"] for model in call(server, "models")["result"]]
    assert names[0] == "scripted"


def test_a_picture_may_be_an_upload(server: str) -> None:
    page = server.removesuffix("gradio_api/mcp/")
    content = base64.b64decode(picture().partition(",")[2])
    sent = httpx2.post(
        f"{page}gradio_api/upload", files={"files": ("p.png", content)}, trust_env=False
    )
    (path,) = sent.json()
    for place in (path, f"{page}gradio_api/file={path}"):
        assert call(server, "locate", picture=place, words="red circle")["items"]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/etc/passwd", "data URI"),
        ("data:image/png;base64,%%%", "not base64"),
        ("data:image/png;base64,AAAA", "not a supported image"),
        ("http://127.0.0.1:1/picture.png", "downloaded only"),
        ("http://169.254.169.254/latest", "downloaded only"),
        ("ftp://example.org/picture.png", "data URI"),
    ],
)
def test_other_pictures_are_refused(server: str, place: str, words: str) -> None:
    assert words in call(server, "locate", picture=place, words="red circle")


def test_a_tool_is_called_by_its_arguments(server: str) -> None:
    assert "words" in call(server, "locate", picture=picture())
    assert "colour" in call(server, "locate", picture=picture(), words="x", colour="red")


def test_a_picture_may_be_left_out_where_none_is_needed(
    server: str, engine: ScriptedEngine
) -> None:
    assert call(server, "chat", message="Hello")["text"]
    call(server, "chat", message="What is [1]?", picture=picture(), boxes=[[0, 0, 200, 200]])
    assert "[0.00, 0.25, 0.50, 0.75]" in engine.prompts[-1].messages[-1].text


def test_mistakes_get_a_clear_message(server: str) -> None:
    assert "Write something first" in call(server, "locate", picture=picture(), words="")


def test_what_assistants_need_may_be_missing(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(layout, "find_spec", lambda name: None)
    with (
        pytest.raises(SettingsError, match="pip install"),
        scripted.served(backend, tmp_path, mcp=True),
    ):
        pass
