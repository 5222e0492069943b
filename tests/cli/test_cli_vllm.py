"""`vlm-demo models --vllm`, and that its table forgets no family."""

from pathlib import Path

import pytest
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from vlm_demo.catalog.menu import default_menu, load_menu
from vlm_demo.catalog.vllm import vllm_command, vllm_data
from vlm_demo.cli import run
from vlm_demo.families import all_families


def test_the_commands_are_comments_of_a_menu_that_loads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["models", "--vllm"]) == 0
    menu = tmp_path / "menu.toml"
    menu.write_text(capsys.readouterr().out, encoding="utf-8")
    served = [spec for spec in default_menu() if vllm_command(spec)]
    assert [spec.name for spec in load_menu(menu)] == [f"{spec.name} by vLLM" for spec in served]
    assert menu.read_text().count("# vllm serve ") == len(served)


def test_every_native_family_whose_class_vllm_lists_is_in_the_table() -> None:
    tabled = {name for served in vllm_data()["served"] for name in served["families"]}
    listed = {
        family.name
        for family in all_families().values()
        for model_type in family.model_types
        if MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.get(model_type)
        in vllm_data()["architectures"]
    }
    assert listed - tabled == set(vllm_data()["without_command"])
