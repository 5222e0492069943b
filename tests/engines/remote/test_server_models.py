"""A server is found by its address, and what is wrong with it is said in one line."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from support.chat_server import (
    ChatServer,
    Turn,
    chat_server,
    dripping,
    endless,
    failing,
    hanging_up,
    listed,
    needing_key,
    saying,
    silent,
)

from vlm_demo.engines.remote.addresses import base_urls
from vlm_demo.engines.remote.server_models import (
    find_local_servers,
    list_server_models,
)
from vlm_demo.errors import InputError, ServerError

KEY = "sk-0123456789abcdef"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(saying("A cat.")) as server:
        yield server


@pytest.mark.parametrize(
    ("address", "bases"),
    [
        ("http://127.0.0.1:8000/v1", ["http://127.0.0.1:8000/v1"]),
        (" 127.0.0.1:8000 ", ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000"]),
        ("localhost:11434/v1/", ["http://localhost:11434/v1"]),
        ("http://[::1]:8000", ["http://[::1]:8000/v1", "http://[::1]:8000"]),
        ("gpu-1:8000", ["http://gpu-1:8000/v1", "http://gpu-1:8000"]),
        ("api.openai.com", ["https://api.openai.com/v1", "https://api.openai.com"]),
        ("HTTPS://api.openai.com/v1/chat/completions", ["https://api.openai.com/v1"]),
        ("host.example/api/v3", ["https://host.example/api/v3"]),
        (
            "https://host.example/openai",
            ["https://host.example/openai/v1", "https://host.example/openai"],
        ),
    ],
)
def test_an_address_may_lack_its_scheme_and_version(address: str, bases: list[str]) -> None:
    assert list(base_urls(address)) == bases


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "not a server address"),
        ("gpt 4o", "not a server address"),
        ("http://", "not a server address"),
        ("http://host:99999", "not a server address"),
        ("http://[::1", "not a server address"),
        ("http://hôst/", "not a server address"),
        ("http://a/<script>", "not a server address"),
        ("file:///etc/passwd", "not a server address"),
        ("ftp://host/", "ftp:// is not supported"),
        ("gopher://host:70/v1", "gopher:// is not supported"),
        ("http://me:secret@host/v1", "more than a server address"),
        ("https://host/v1?api_key=secret", "more than a server address"),
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_sent(address: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        list_server_models(address)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/models"])
def test_models_are_listed_from_any_form_of_the_address(server: ChatServer, ending: str) -> None:
    server.listing = listed("a/vlm", "b")
    listing = list_server_models(f"127.0.0.1:{server.server_port}{ending}")
    assert listing.base_url == server.base_url
    assert [model.name for model in listing.models] == ["a/vlm", "b"]
    assert listing.kind == "openai"


def test_vllm_is_recognised_by_what_it_lists(server: ChatServer) -> None:
    server.listing = listed("m", owned_by="vllm", max_model_len=4096)
    assert list_server_models(server.base_url).kind == "vllm"


@pytest.mark.parametrize(
    ("fields", "sees"),
    [
        ({}, None),
        ({"capabilities": {"vision": False}}, False),
        ({"architecture": {"input_modalities": ["text", "image"]}}, True),
        ({"type": "vlm"}, True),
        ({"type": "embeddings"}, False),
        ({"capabilities": None, "architecture": [], "type": 5}, None),
    ],
)
def test_models_that_see_nothing_are_told_apart(
    server: ChatServer, fields: dict[str, object], sees: bool | None
) -> None:
    server.listing = listed("m", **fields)
    (model,) = list_server_models(server.base_url).models
    assert model.sees_images is sees


def test_llama_cpp_says_beside_its_list_what_a_model_sees(server: ChatServer) -> None:
    said = {"name": "m", "capabilities": ["completion", "multimodal"]}
    server.listing = failing(200, {"models": [said], "object": "list", "data": [{"id": "m"}]})
    (model,) = list_server_models(server.base_url).models
    assert model.sees_images is True


def test_a_long_list_is_taken_whole_and_odd_entries_are_left_out(server: ChatServer) -> None:
    names = [f"model-{number}" for number in range(500)]
    server.listing = failing(
        200, {"data": [{"id": name} for name in names] + [None, {}, {"id": "a\nb"}, {"id": 7}]}
    )
    assert [model.name for model in list_server_models(server.base_url).models] == names


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (failing(200, "<!DOCTYPE html><html>Welcome</html>"), "is a web page"),
        (failing(404, "<html>Not found</html>"), "no list of models: it may be something else"),
        (failing(401, {}), "needs a key"),
        (failing(403, {}), "needs a key"),
        (failing(500, {"error": "boom"}), "error 500"),
        (failing(503, {"error": "loading"}), "error 503"),
        (failing(307, "", {"Location": "http://x.invalid/"}), "not followed"),
        (failing(200, {"object": "list", "data": None}), "has no models"),
        (listed(), "has no models"),
        (failing(200, {"hello": "world"}), "sent no list of models"),
        (failing(200, [1, 2]), "sent no list of models"),
        (failing(200, "not JSON"), "sent no list of models"),
        (failing(200, "[" * 100_000), "sent no list of models"),
        (endless("application/json"), "too long to be read"),
        (hanging_up, "cannot be reached"),
        (silent, "not answered within 0.5 seconds"),
        (dripping, "not answered within 0.5 seconds"),
    ],
)
def test_a_server_that_cannot_be_used_is_explained(
    server: ChatServer, turn: Turn, words: str
) -> None:
    server.listing = turn
    begun = time.monotonic()
    timeout_s = 0.5 if turn in (silent, dripping) else 20
    with pytest.raises(ServerError, match=words) as failed:
        list_server_models(server.base_url, timeout_s=timeout_s)
    assert time.monotonic() - begun < 20
    assert f"The server at {server.base_url}" in str(failed.value)


def test_nobody_at_an_address_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServerError, match="cannot be reached"):
        list_server_models(f"127.0.0.1:{port}")


def test_a_key_opens_the_list_and_is_in_no_message(server: ChatServer) -> None:
    server.listing = needing_key(KEY, listed("m"))
    assert list_server_models(server.base_url, f" {KEY} ").models
    for wrong in ("", f"{KEY}0"):
        with pytest.raises(ServerError, match="needs a key") as refused:
            list_server_models(server.base_url, wrong)
        assert KEY not in f"{refused.value!r}"
    with pytest.raises(InputError, match="cannot be a key") as refused_input:
        list_server_models(server.base_url, f"{KEY}\u00e9")
    assert KEY not in str(refused_input.value)


def test_a_key_does_not_follow_a_redirection(server: ChatServer) -> None:
    with chat_server(saying("x")) as other:
        asked: list[str] = []
        other.listing = lambda handler: asked.append(handler.path)
        server.listing = failing(302, "", {"Location": f"{other.base_url}/models"})
        with pytest.raises(ServerError, match="not followed"):
            list_server_models(server.base_url, KEY)
    assert not asked


def test_servers_of_this_computer_are_found_at_the_ports_that_are_tried(
    server: ChatServer,
) -> None:
    with chat_server(saying("x")) as other, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        other.listing = silent
        ports = {
            "Here": server.server_port,
            "Silent": other.server_port,
            "Nobody": free.getsockname()[1],
        }
        (found,) = find_local_servers(ports, timeout_s=1)
        assert (found.title, found.base_url) == ("Here", server.base_url)
        del ports["Here"]
        with pytest.raises(ServerError, match=r"No server answered .*Silent \(\d+\), Nobody"):
            find_local_servers(ports, timeout_s=1)
        other.listing = needing_key(KEY, listed("m"))
        with pytest.raises(ServerError, match=r"need a key: Silent \(\d+\)\."):
            find_local_servers(ports, timeout_s=5)
