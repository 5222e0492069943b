"""Code of a checkpoint from the command line: run where a menu trusts it, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from support.own_code import MARK, save_with_own_code

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu
from vlm_demo.cli.exit_codes import BAD_INPUT
from vlm_demo.cli.main import run
from vlm_demo.engines.local.checkpoints.code_files import code_revision
from vlm_demo.errors import UntrustedCodeError
from vlm_demo.values import Request, Sampling, Task

TEMPLATE = (
    "{% for message in messages %}[INST]{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}[/INST]{% endfor %}"
)


@pytest.fixture
def checkpoint(tiny_llava15: Path, tmp_path: Path) -> Path:
    folder = save_with_own_code(
        tiny_llava15, tmp_path / "mini", {"AutoModelForCausalLM": "mini.MiniVlm"}
    )
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@pytest.fixture
def picture_file(picture: Image.Image, tmp_path: Path) -> str:
    path = tmp_path / "picture.png"
    picture.save(path)
    return str(path)


def menu_file(checkpoint: Path, revision: str) -> str:
    path = checkpoint.parent / "menu.toml"
    path.write_text(
        f"""
        [[model]]
        name = "own"
        family = "llava15"
        checkpoint = {json.dumps(str(checkpoint))}
        trust_remote_code = true
        revision = "{revision}"
        """
    )
    return str(path)


def test_a_menu_that_trusts_the_code_of_a_folder_runs_it(
    checkpoint: Path, picture_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    menu = menu_file(checkpoint, code_revision(checkpoint))
    command = ["caption", picture_file, "--menu", menu, "--max-new-tokens", "4", "--json"]
    assert run(command) == 0
    assert "text" in json.loads(capsys.readouterr().out)
    assert (checkpoint.parent / MARK).exists()


def test_a_menu_that_trusts_other_code_is_told_the_revision_of_this(
    checkpoint: Path, picture_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    menu = menu_file(checkpoint, "0123456789abcdef")
    assert run(["caption", picture_file, "--menu", menu]) == BAD_INPUT
    told = capsys.readouterr().err
    assert f"its revision is {code_revision(checkpoint)}" in told
    assert told.count("\n") == 1
    assert not (checkpoint.parent / MARK).exists()


@pytest.mark.parametrize("command", ["caption", "ask", "chat", "prompt"])
def test_no_command_runs_code_that_no_menu_trusts(
    command: str, checkpoint: Path, picture_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {
        "caption": [picture_file],
        "ask": [picture_file, "What is it?"],
        "chat": [picture_file],
        "prompt": ["--task", "caption"],
    }[command]
    status = run([command, *arguments, "--model", str(checkpoint)])
    assert not (checkpoint.parent / MARK).exists()
    told = capsys.readouterr()
    if command == "prompt":  # which loads nothing
        assert "[INST]<image>" in told.out
    else:
        assert status == BAD_INPUT
        assert "its own code (mini.py), which does not run without your consent" in told.err
        assert f'revision = "{code_revision(checkpoint)}"' in told.err


def test_a_model_of_any_type_answers_once_its_code_is_trusted(
    checkpoint: Path, picture: Image.Image
) -> None:
    backend = Backend(default_menu())
    with pytest.raises(UntrustedCodeError) as caught:
        backend.add_checkpoint(str(checkpoint))
    assert not (checkpoint.parent / MARK).exists()
    added = backend.add_checkpoint(str(checkpoint), trusted_revision=caught.value.revision)
    assert added.family == "generic"
    request = Request(Task.CHAT, "Hi", (picture,), sampling=Sampling(max_new_tokens=4))
    assert list(backend.answer(added.name, request))[-1].raw
    backend.close()
