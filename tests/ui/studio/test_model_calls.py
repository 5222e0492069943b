"""The calls of the model panel: loading, program code of checkpoints, models of servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.chat_server import ChatServer, chat_server, failing, listed, needing_key
from support.scripted import MENU, served
from support.studio import StudioClient

from vlm_demo.backend import Backend
from vlm_demo.catalog import ModelSpec
from vlm_demo.catalog.own_code import MAX_NAMED_FILES, list_files
from vlm_demo.errors import NotRunnableError, UntrustedCodeError
from vlm_demo.settings import Settings
from vlm_demo.ui.visitors import comes_from_here

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("collect_garbage")]

KEY = "sk-panel-0123456789"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint, as far as it is looked at before it is trusted; its code fails when it runs."""
    folder = tmp_path / "mini"
    folder.mkdir()
    auto_map = {"AutoConfig": "mini.MiniConfig", "AutoModel": "mini.MiniVlm"}
    config = {"model_type": "mini_vlm", "auto_map": auto_map}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "processor_config.json").write_text('{"processor_class": "LlavaProcessor"}')
    (folder / "mini.py").write_text("raise SystemExit('it ran')")
    return folder


@pytest.fixture
def own_backend(folder: Path) -> Iterator[Backend]:
    own = ModelSpec(name="mini", family="llava15", checkpoint=str(folder), runs="remote code")
    backend = Backend((*MENU, own))
    yield backend
    backend.close()


@pytest.fixture
def client(own_backend: Backend, tmp_path: Path) -> Iterator[StudioClient]:
    with served(own_backend, tmp_path / "gradio") as address:
        client = StudioClient(address)
        yield client
        client.close()


def add(client: StudioClient, revision: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = client.call("studio_add_model", "mini", revision)
    return answer


def message(answer: dict[str, Any]) -> str:
    return str(answer["error"]["words"])


def test_code_is_trusted_after_a_question_that_names_it(
    client: StudioClient, own_backend: Backend
) -> None:
    with pytest.raises(UntrustedCodeError) as caught:
        own_backend.add_checkpoint("mini")
    revision = caught.value.revision
    assert "Read the code first" in message(add(client, revision)), "it was not asked yet"
    question = add(client)["question"]
    assert question["files"] == "mini.py" and question["revision"] == revision
    stranger = StudioClient(str(client.http.base_url))
    assert "Read the code first" in message(add(stranger, revision)), "another visitor"
    stranger.close()
    assert not own_backend.spec("mini").trust_remote_code
    assert add(client, revision)["model"]["name"] == "mini"
    assert own_backend.spec("mini").trust_remote_code
    assert own_backend.spec("mini").revision == revision


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "203.0.113.5"}, {"Host": "somewhere.example"}]
)
def test_nothing_is_trusted_through_a_proxy_or_another_name(
    headers: dict[str, str], client: StudioClient, own_backend: Backend
) -> None:
    client.http.headers.update(headers)
    assert "enter the model in your own menu" in message(add(client))
    assert "only on the computer that runs it" in message(add(client, "main"))
    refusal = client.call("studio_list_server", "http://127.0.0.1:1/v1", "")
    assert "only on the computer that runs the page" in message(refusal)
    assert not own_backend.spec("mini").trust_remote_code


def test_models_of_a_server_are_listed_and_added_with_their_family(
    client: StudioClient, own_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with chat_server() as server:
        server.listing = needing_key(KEY, listed("gpt-4o", "qwen2.5vl:7b"))
        address = f"127.0.0.1:{server.server_port}"
        assert "needs a key" in message(client.call("studio_list_server", address, ""))
        (offer,) = client.call("studio_list_server", address, KEY)["servers"]
        assert offer["models"] == [
            {"name": "gpt-4o", "family": "generic"},
            {"name": "qwen2.5vl:7b", "family": "qwen2_5_vl"},
        ]
        names, families = ["qwen2.5vl:7b"], {"qwen2.5vl:7b": "qwen2_vl"}
        arguments = (offer["address"], KEY, names, families)
        (added,) = client.call("studio_add_server", *arguments)["models"]
    assert added["group"] == "servers"
    assert own_backend.spec("qwen2.5vl:7b").family == "qwen2_vl"
    assert KEY not in json.dumps(client.call("studio_models"))


def test_what_is_wrong_with_a_server_is_told(
    client: StudioClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def listing(server: ChatServer) -> str:
        return message(client.call("studio_list_server", server.base_url, ""))

    with chat_server() as server:
        server.listing = failing(200, "<html>Welcome</html>")
        assert "is a web page" in listing(server)
        server.listing = listed()
        assert "has no models" in listing(server)


def test_loading_ends_with_a_loaded_model_or_the_reason(address: str) -> None:
    client = StudioClient(address)

    def last_step(name: str) -> dict[str, Any]:
        event = client.join("studio_load", name, "")
        steps = [data[0] for kind, data in client.events("studio_load", event) if data]
        return dict(steps[-1])

    assert last_step("scripted") == {"loaded": True}
    loaded = [one["name"] for one in client.call("studio_models")["models"] if one["loaded"]]
    assert "scripted" in loaded
    assert client.call("studio_unload", "scripted") == {"loaded": False}
    assert "error" in last_step("<no such model>")
    assert "error" in client.call("studio_unload", "<no such model>")
    client.close()


@pytest.mark.parametrize(
    ("client_address", "headers", "is_from_here"),
    [
        ("127.0.0.1", {"host": "127.0.0.1:7860"}, True),
        ("::1", {"host": "localhost:7860"}, True),
        ("127.0.0.1", {"host": "[::1]:7860"}, True),
        ("192.168.0.7", {"host": "127.0.0.1:7860"}, False),
        ("127.0.0.1", {"host": "evil.example:7860"}, False),
        ("127.0.0.1", {"host": "localhost", "Forwarded": "for=203.0.113.5"}, False),
        ("127.0.0.1", {}, False),
    ],
)
def test_requests_from_this_computer_are_told_apart(
    client_address: str, headers: dict[str, str], is_from_here: bool
) -> None:
    request: Any = SimpleNamespace(client=SimpleNamespace(host=client_address), headers=headers)
    assert comes_from_here(request) is is_from_here


def test_only_a_page_for_this_computer_alone_is_private() -> None:
    for host in ("localhost", "127.0.0.1", "127.0.0.9", "::1"):
        assert Settings(host=host).is_private({})
        assert not Settings(host=host).is_private({"SPACE_ID": "me/space"})
    for host in ("0.0.0.0", "192.168.0.2", "::", "localhost.example", ""):
        assert not Settings(host=host).is_private({})


def test_code_that_has_changed_since_it_was_read_is_not_trusted(
    own_backend: Backend, folder: Path
) -> None:
    with pytest.raises(UntrustedCodeError) as caught:
        own_backend.add_checkpoint("mini")
    (folder / "mini.py").write_text("print('something else')")
    with pytest.raises(UntrustedCodeError, match=r"mini\.py.*trust_remote_code = true"):
        own_backend.add_checkpoint("mini", trusted_revision=caught.value.revision)


def test_code_that_would_not_help_is_not_offered(own_backend: Backend, folder: Path) -> None:
    (folder / "processor_config.json").unlink()
    with pytest.raises(NotRunnableError, match=r"cannot run here\..*has no processor"):
        own_backend.add_checkpoint("mini")


def test_long_lists_of_files_are_cut() -> None:
    names = tuple(f"{number}.py" for number in range(MAX_NAMED_FILES + 3))
    assert str(list_files(names[:2])) == "0.py, 1.py"
    assert str(list_files(names)).endswith(f"{names[MAX_NAMED_FILES - 1]} and 3 more")
