"""Servers that differ a little: they are asked in their own way, and it is remembered."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
from support.chat_server import (
    DONE,
    ChatServer,
    Turn,
    chat_server,
    event,
    failing,
    saying,
    sending,
    speaking_whole,
)

from vlm_demo.engines import Server
from vlm_demo.engines.remote.dialect import Dialect
from vlm_demo.engines.remote.engine import RemoteEngine
from vlm_demo.errors import ServerError
from vlm_demo.values import Message, Prompt, Sampling, StopReason, TextChunk

QUESTION = Prompt((Message("user", "What is it?"),))
SEEDED = Sampling(seed=7)

RENAME = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
FIXED = "Unsupported value: 'temperature' does not support 0.0 with this model."


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def ask(server: ChatServer, count: int = 1) -> list[TextChunk]:
    """Ask the same several times; return what comes the last time."""
    address = Server(base_url=server.base_url, kind="openai")
    chunks: list[TextChunk] = []
    with closing(RemoteEngine("m", address, name="my model")) as engine:
        for _ in range(count):
            chunks = list(engine.stream(QUESTION, SEEDED))
    return chunks


def openai_error(message: str, param: str) -> Turn:
    return failing(400, {"error": {"message": message, "param": param, "type": "invalid"}})


def test_refused_parameters_are_renamed_or_left_out_and_that_is_remembered() -> None:
    turns = (
        openai_error(RENAME, "max_tokens"),
        openai_error(FIXED, "temperature"),
        failing(422, {"error": "Input validation error: `top_p` must be > 0.0 and < 1.0"}),
        saying("A cat."),
    )
    with chat_server(*turns) as server:
        assert "".join(ask(server, count=2)) == "A cat."
    assert len(server.bodies) == 5
    *_, adapted, again = server.bodies
    assert adapted == again
    assert adapted["max_completion_tokens"] == 512
    assert not {"max_tokens", "temperature", "top_p"} & set(adapted)
    assert adapted["seed"] == 7


def test_a_parameter_that_is_still_refused_ends_in_an_error() -> None:
    with (
        chat_server(openai_error(RENAME, "max_tokens")) as server,
        pytest.raises(ServerError, match=r"server of my model .*error 400.*max_completion_tokens"),
    ):
        ask(server)
    assert len(server.bodies) == 2


def test_a_server_that_cannot_stream_is_asked_for_the_whole_answer() -> None:
    turns = (
        openai_error("Streaming is not supported by this model.", "stream"),
        speaking_whole("A cat.", finish="length"),
    )
    with chat_server(*turns) as server:
        *_, last = chunks = ask(server)
    assert "".join(chunks) == "A cat."
    assert last.stop is StopReason.LENGTH
    assert [body["stream"] for body in server.bodies] == [True, False]


PARTS = [{"type": "text", "text": "A "}, {"type": "thinking"}, {"type": "text", "text": "cat."}]


@pytest.mark.parametrize(
    "turn",
    [
        speaking_whole("A cat."),
        speaking_whole(PARTS, finish=None),
        sending(event("A cat."), DONE),  # no finish_reason
        sending(event(None, content=PARTS), event(finish="stop")),
        sending(event("A cat.", finish="stop").strip()),  # no empty line at the end
        sending(b": ping\r\n\r\n", event("A cat.").replace(b"\n", b"\r\n"), DONE),
        sending(event("A cat."), b'data: {"choices": [{"delta": null, "finish_reason": "stop"}]}'),
        sending(event("A cat.", finish="stop"), b"data: {}\n\n"),
    ],
)
def test_an_answer_is_read_in_whatever_shape_it_comes(turn: Turn) -> None:
    with chat_server(turn) as server:
        *_, last = chunks = ask(server)
    assert "".join(chunks) == "A cat."
    assert last.stop is StopReason.FINISHED
    assert len(server.bodies) == 1


def test_reasoning_of_a_whole_answer_is_kept_apart() -> None:
    with chat_server(speaking_whole("A cat.", reasoning_content="Fur.")) as server:
        assert "".join(ask(server)) == "<think>Fur.</think>A cat."


OPTIONS: dict[str, Any] = {"max_tokens": 5, "temperature": 0.0, "stop": ["\n"], "seed": 1}


@pytest.mark.parametrize(
    "refusal",
    [
        None,
        "",
        [],
        {"error": None},
        {"error": {"message": "The picture cannot be read. Please stop."}},
        {"error": {"message": "x" * 600 + " temperature"}},  # a request that is repeated
        {"detail": [{"loc": ["body", "messages", 0, "content"], "msg": "wrong"}]},
    ],
)
def test_a_refusal_that_names_no_parameter_changes_nothing(refusal: object) -> None:
    assert Dialect().adapt(OPTIONS, refusal) is None


def test_a_refusal_in_the_words_of_fastapi_is_understood() -> None:
    refusal = {"detail": [{"loc": ["body", "stop"], "msg": "Extra inputs are not permitted"}]}
    dialect = Dialect().adapt(OPTIONS, refusal)
    assert dialect is not None
    assert json.dumps(dialect.write(OPTIONS)) == json.dumps(
        {name: value for name, value in OPTIONS.items() if name != "stop"}
    )
    assert dialect.adapt(OPTIONS, refusal) is None
