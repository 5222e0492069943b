"""The page's question whether the code of a checkpoint may run, and who is asked it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.page_script import PageScript
from support.scripted import MENU, served

from vlm_demo.backend import Backend
from vlm_demo.catalog import ModelSpec
from vlm_demo.catalog.own_code import MAX_NAMED_FILES, list_files
from vlm_demo.errors import NotRunnableError, UntrustedCodeError
from vlm_demo.settings import Settings
from vlm_demo.ui.components.code_trust import comes_from_here
from vlm_demo.ui.layout import build_page

pytestmark = pytest.mark.usefixtures("collect_garbage")

BOX = "I have read these files and trust them, in this revision."


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
def backend(folder: Path) -> Iterator[Backend]:
    own = ModelSpec(name="mini", family="llava15", checkpoint=str(folder), runs="remote code")
    backend = Backend((*MENU, own))
    yield backend
    backend.close()


@pytest.fixture
def address(backend: Backend, tmp_path: Path) -> Iterator[str]:
    with served(backend, tmp_path / "gradio") as address:
        yield address


def add(script: PageScript, name: str) -> str:
    return script.call("add-model-name", "submit", name)


def confirm(script: PageScript, has_agreed: bool) -> str:
    return script.call("code-trust-confirm", "click", None, has_agreed)


def test_code_is_trusted_after_a_question_that_names_it(address: str, backend: Backend) -> None:
    script = PageScript(address)
    assert "read the code first" in confirm(script, True), "the question was not asked yet"
    asked = add(script, "mini")
    with pytest.raises(UntrustedCodeError) as caught:
        backend.add_checkpoint("mini")
    assert caught.value.files == ("mini.py",)
    assert caught.value.revision in asked
    assert "mini.py" in asked
    assert "it can do whatever you can do on this computer" in asked
    assert "read the code first" in confirm(script, False)
    assert not backend.spec("mini").trust_remote_code
    confirm(script, True)
    trusted = backend.spec("mini")
    assert trusted.trust_remote_code
    assert trusted.runs_here
    assert trusted.revision == caught.value.revision
    assert "read the code first" in confirm(PageScript(address), True), "another visitor"
    script.http.close()


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "203.0.113.5"}, {"Host": "somewhere.example"}]
)
def test_nobody_is_asked_through_a_proxy_or_another_name(
    headers: dict[str, str], address: str, backend: Backend
) -> None:
    script = PageScript(address, headers=headers)
    answer = add(script, "mini")
    assert "enter the model in a menu of your own" in answer
    assert "it can do whatever" not in answer
    assert "only on the computer that runs it" in confirm(script, True)
    assert not backend.spec("mini").trust_remote_code
    script.http.close()


def test_only_a_private_page_asks(backend: Backend) -> None:
    def asks(**settings: Any) -> bool:
        page = build_page(backend, Settings(**settings))
        labels = [getattr(block, "label", "") for block in page.blocks.values()]
        return BOX in [getattr(label, "key", label) for label in labels]

    assert asks()
    assert not asks(host="0.0.0.0")
    assert not asks(share=True)
    assert not asks(allow_checkpoints=False)
    for host in ("localhost", "127.0.0.1", "127.0.0.9", "::1"):
        assert Settings(host=host).is_private({})
        assert not Settings(host=host).is_private({"SPACE_ID": "me/space"})
    for host in ("0.0.0.0", "192.168.0.2", "::", "localhost.example", ""):
        assert not Settings(host=host).is_private({})


@pytest.mark.parametrize(
    ("client", "headers", "is_from_here"),
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
    client: str, headers: dict[str, str], is_from_here: bool
) -> None:
    request: Any = SimpleNamespace(client=SimpleNamespace(host=client), headers=headers)
    assert comes_from_here(request) is is_from_here


def test_code_that_has_changed_since_it_was_read_is_not_trusted(
    backend: Backend, folder: Path
) -> None:
    with pytest.raises(UntrustedCodeError) as caught:
        backend.add_checkpoint("mini")
    (folder / "mini.py").write_text("print('something else')")
    with pytest.raises(UntrustedCodeError, match=r"mini\.py.*trust_remote_code = true"):
        backend.add_checkpoint("mini", trusted_revision=caught.value.revision)


def test_code_that_would_not_help_is_not_offered(backend: Backend, folder: Path) -> None:
    (folder / "processor_config.json").unlink()
    with pytest.raises(NotRunnableError, match=r"cannot be asked here\..*brings no processor"):
        backend.add_checkpoint("mini")


def test_long_lists_of_files_are_cut() -> None:
    names = tuple(f"{number}.py" for number in range(MAX_NAMED_FILES + 3))
    assert list_files(names[:2]) == "0.py, 1.py"
    assert list_files(names).endswith(f"{names[MAX_NAMED_FILES - 1]}, 3 more")
