"""The commands that serve the catalogue's models by vLLM."""

import shlex
from pathlib import Path

import pytest

from vlm_demo.catalog.menu import default_menu, find, load_menu
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.vllm import vllm_architecture, vllm_command, vllm_data
from vlm_demo.families import all_families


def test_the_table_names_what_there_is() -> None:
    names = {spec.name for spec in default_menu()}
    for served in vllm_data()["served"]:
        assert served["architecture"] in vllm_data()["architectures"]
        assert set(served["families"]) <= set(all_families()), served
        assert set(served.get("exceptions", ())) <= names, served
        assert any(_is_served_by(served, spec) for spec in default_menu()), served


def _is_served_by(served: dict[str, object], spec: ModelSpec) -> bool:
    return spec.is_here or vllm_architecture(spec) == served["architecture"]


@pytest.mark.parametrize(
    ("model", "command"),
    [
        (
            "llava-1.5-7b-hf",
            "vllm serve llava-hf/llava-1.5-7b-hf --max-model-len auto "
            "--trust-request-chat-template",
        ),
        ("Qwen3-VL-8B-Instruct", "vllm serve Qwen/Qwen3-VL-8B-Instruct --max-model-len auto"),
        (
            "Molmo-7B-D-0924",
            "vllm serve allenai/Molmo-7B-D-0924 --max-model-len auto --trust-remote-code",
        ),
        (
            "embedded-llava15",
            "vllm serve assets/models/embedded-llava15 --max-model-len auto "
            "--trust-request-chat-template",
        ),
    ],
)
def test_a_command_serves_the_checkpoint_in_the_way_that_it_is_asked(
    model: str, command: str
) -> None:
    written = vllm_command(find(default_menu(), model))
    assert written
    assert written.serve == command


@pytest.mark.parametrize(
    "model", ["embedded-kosmos2", "kosmos-2-patch14-224", "llava-v1.5-7b", "PaLI-X", "fuyu-8b"]
)
def test_what_vllm_does_not_serve_has_no_command(model: str) -> None:
    assert vllm_command(find(default_menu(), model)) is None


def test_a_checkpoint_here_is_served_if_its_class_is(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    spec = ModelSpec(name="mine", family="llava15", checkpoint=str(folder))
    (folder / "config.json").write_text('{"architectures": ["NobodysModel"]}')
    assert vllm_command(spec) is None
    (folder / "config.json").write_text('{"architectures": ["SmolVLMForConditionalGeneration"]}')
    command = vllm_command(spec)
    assert command
    assert shlex.split(command.serve)[2] == "a folder"  # not where it is on this machine
    (folder / "config.json").write_text("[")
    assert vllm_command(spec) is None


def test_menu_lines_make_an_entry_of_the_same_family(tmp_path: Path) -> None:
    commands = {spec.name: vllm_command(spec) for spec in default_menu()}
    written = [command.menu for command in commands.values() if command]
    menu = tmp_path / "menu.toml"
    menu.write_text("\n\n".join(written), encoding="utf-8")
    entries = {spec.name: spec for spec in load_menu(menu)}
    assert len(entries) == len(written) > 90
    for name, command in commands.items():
        if command:
            entry, spec = entries[f"{name} by vLLM"], find(default_menu(), name)
            assert (entry.engine, entry.family, entry.server) == ("remote", spec.family, "vllm")
            assert entry.checkpoint in command.serve
