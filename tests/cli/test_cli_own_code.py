"""Code of a checkpoint from the command line: run where a menu trusts it, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from support.own_code import MARK, save_with_own_code

from vlm_demo.cli.exit_codes import BAD_INPUT
from vlm_demo.cli.main import run
from vlm_demo.engines.local.checkpoints.own_code import code_revision


@pytest.fixture
def checkpoint(tiny_llava15: Path, tmp_path: Path) -> Path:
    return save_with_own_code(
        tiny_llava15, tmp_path / "mini", {"AutoModelForCausalLM": "mini.MiniVlm"}
    )


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
    if command != "prompt":  # which loads nothing, and may know how the model is asked
        assert status == BAD_INPUT
        assert capsys.readouterr().err.startswith("Error: ")
