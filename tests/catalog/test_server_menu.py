"""Models of a server become menu entries, each with a family that its name suggests."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.chat_server import ChatServer, chat_server, failing, listed, needing_key, saying

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu, load_menu
from vlm_demo.catalog.server_menu import guess_family, server_specs, to_menu_toml
from vlm_demo.cli import run
from vlm_demo.engines import ServerListing, ServerModel, list_server_models
from vlm_demo.errors import LoadError, ServerError, UnknownModelError
from vlm_demo.settings import Settings
from vlm_demo.values import Request, Task

KEY = "sk-0123456789abcdef"
BASE = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(saying(" A cat.")) as server:
        server.listing = listed("qwen2.5vl:7b", "some-vlm")
        yield server


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2_5_vl"),
        ("qwen2.5vl:7b", "qwen2_5_vl"),
        ("mlx-community/Qwen2.5-VL-72B-Instruct-4bit", "qwen2_5_vl"),
        ("unsloth/Qwen2-VL-7B-Instruct-bnb-4bit", "qwen2_vl"),
        ("qwen3-vl:235b-a22b", "qwen3_vl"),
        ("Qwen3-VL-4B-Instruct-Q4_K_M.gguf", "qwen3_vl"),
        ("gemma3:12b", "gemma3"),
        ("llava-1.5-13b-hf", "llava15"),
        ("gpt-4o", "generic"),
        ("my-llava-1.5-like-model", "generic"),
        ("7b", "generic"),
        ("", "generic"),
    ],
)
def test_the_family_is_guessed_from_the_whole_name(name: str, family: str) -> None:
    assert guess_family(name) == family


def listing(*models: ServerModel) -> ServerListing:
    return ServerListing(BASE, "openai", models)


def test_an_entry_says_how_its_family_was_found() -> None:
    models = listing(ServerModel("gemma3:4b"), ServerModel("gpt-4o"), ServerModel("text", False))
    guessed, unknown = server_specs(models)
    assert (guessed.family, guessed.checkpoint, guessed.base_url) == ("gemma3", "gemma3:4b", BASE)
    assert "as its name suggests" in str(guessed.note)
    assert (unknown.family, unknown.server) == ("generic", "openai")
    (chosen,) = server_specs(models, names=["gpt-4o"], families={"gpt-4o": "qwen2_5_vl"})
    assert chosen.family == "qwen2_5_vl"
    assert "as chosen" in str(chosen.note)
    with pytest.raises(UnknownModelError):
        server_specs(models, families={"gpt-4o": "no such family"})


def test_equal_names_are_told_apart_by_their_server() -> None:
    (spec,) = server_specs(listing(ServerModel("m")), taken=["m"])
    assert spec.name == "m (127.0.0.1:8000)"


def test_entries_can_be_kept_in_a_menu_file(tmp_path: Path) -> None:
    specs = server_specs(listing(ServerModel('odd "name" \\ 猫')), api_key_env="MY_KEY")
    (tmp_path / "menu.toml").write_text(to_menu_toml(specs), "utf-8")
    (spec,) = load_menu(tmp_path / "menu.toml")
    assert (spec.name, spec.api_key_env, spec.base_url) == ('odd "name" \\ 猫', "MY_KEY", BASE)


def test_a_server_in_the_settings_comes_first_on_the_menu(server: ChatServer) -> None:
    backend = Backend.from_settings(Settings.read({"server": f"127.0.0.1:{server.server_port}"}))
    names = [spec.name for spec in backend.menu]
    assert names[:2] == ["qwen2.5vl:7b", "some-vlm"]
    assert names[2:] == [spec.name for spec in default_menu()]
    *_, reply = backend.answer("some-vlm", Request(Task.CHAT, "Hello"))
    assert reply.text == "A cat."
    backend.close()


def test_a_server_in_the_settings_that_cannot_be_used_is_explained(server: ChatServer) -> None:
    server.listing = failing(200, "<html>Hello</html>")
    with pytest.raises(ServerError, match="is a web page"):
        Backend.from_settings(Settings.read({"server": server.base_url}))


def test_a_key_in_the_settings_stays_a_name(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLM_DEMO_SERVER_KEY", KEY)
    server.listing = needing_key(KEY, listed("m"))
    backend = Backend.from_settings(Settings.read({"server": server.base_url}))
    spec = backend.menu[0]
    assert KEY not in repr(spec)
    assert "VLM_DEMO_SERVER_KEY" in to_menu_toml([spec])
    list(backend.answer("m", Request(Task.CHAT, "Hello")))
    assert server.keys == [f"Bearer {KEY}"]
    backend.close()


def test_a_key_that_is_given_later_is_kept_in_memory_and_replaces_the_first(
    server: ChatServer,
) -> None:
    server.listing = needing_key(KEY, listed("m"))
    server.turns = [needing_key(KEY, saying("Yes."))]
    backend = Backend(default_menu()[:1])
    specs = server_specs(list_server_models(server.base_url, KEY))
    backend.add_server_models(specs, "wrong")
    with pytest.raises(LoadError, match="rejects its key"):
        list(backend.answer("m", Request(Task.CHAT, "Hello")))
    chosen = server_specs(list_server_models(server.base_url, KEY), families={"m": "gemma3"})
    backend.add_server_models(chosen, KEY)
    assert [spec.family for spec in backend.menu if spec.name == "m"] == ["gemma3"]
    *_, reply = backend.answer("m", Request(Task.CHAT, "Hello"))
    assert reply.text == "Yes."
    assert KEY not in repr(backend.menu)
    backend.close()


def test_the_command_line_lists_the_models_of_a_server(
    server: ChatServer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "--server", server.base_url, "--toml"]) == 0
    tables = tomllib.loads(capfd.readouterr().out)["model"]
    assert [(table["name"], table["family"]) for table in tables] == [
        ("qwen2.5vl:7b", "qwen2_5_vl"),
        ("some-vlm", "generic"),
    ]
    for arguments, words in (
        (["models", "--server", "http://127.0.0.1:1"], "cannot be reached"),
        (["ask", "picture.png", "What?", "--model", "127.0.0.1:1"], "Give it as --server"),
    ):
        assert run(arguments) != 0
        error = capfd.readouterr().err
        assert error.count("\n") == 1
        assert words in error
