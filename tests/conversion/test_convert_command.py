"""The command `vlm-demo convert`, and asking the folder that it makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conversion.conftest import PUBLISH, Published
from PIL import Image

from vlm_demo.catalog.added_model import spec_for_checkpoint
from vlm_demo.cli.exit_codes import BAD_INPUT
from vlm_demo.cli.main import run


@pytest.mark.parametrize("name", PUBLISH)
def test_the_folder_of_a_conversion_can_be_asked_by_its_name(
    name: str,
    published: Callable[[str], Published],
    tmp_path: Path,
    picture: Image.Image,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, folder = published(name), tmp_path / "mine"
    picture.save(tmp_path / "picture.png")
    options = [
        part
        for option, value in one.options.items()
        for part in (f"--{option.replace('_', '-')}", value)
    ]
    assert run(["convert", str(one.source), str(folder), *options]) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(folder)
    assert f"chat PICTURE --model {folder}" in told.err
    assert spec_for_checkpoint(str(folder)).family == name
    question = ["ask", str(tmp_path / "picture.png"), "What is it?", "--model", str(folder)]
    assert run([*question, "--max-new-tokens", "4", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out)["text"], str)


def test_what_cannot_be_converted_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "source").mkdir()
    assert run(["convert", str(tmp_path / "source"), str(tmp_path / "out")]) == BAD_INPUT
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("Error: ")
    assert told.err.count("\n") == 1
    assert not (tmp_path / "out").exists()
