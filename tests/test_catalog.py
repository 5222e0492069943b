import json
from pathlib import Path

import pytest

from vlm_demo.catalog import ModelSpec, default_menu, find, load_menu, spec_for_checkpoint
from vlm_demo.errors import LoadError, SettingsError, UnknownModelError
from vlm_demo.families import all_families
from vlm_demo.types import Task


def menu_file(folder: Path, text: str) -> Path:
    path = folder / "menu.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_menu_begins_with_the_embedded_models() -> None:
    menu = default_menu()
    assert [spec.name for spec in menu[:3]] == [
        "embedded-llava15",
        "embedded-kosmos2",
        "SmolVLM-256M-Instruct",
    ]
    assert [spec.embedded for spec in menu] == [True, True] + [False] * (len(menu) - 2)
    assert all(spec.licence and spec.note and spec.languages for spec in menu)
    assert all(spec.parameters for spec in menu if not spec.embedded)


def test_embedded_models_are_looked_for_in_the_repository() -> None:
    spec = default_menu()[0]
    assert Path(spec.checkpoint) == Path(__file__).parents[1] / "assets/models/embedded-llava15"
    assert spec.is_here == Path(spec.checkpoint).is_dir()


def test_known_checkpoints_of_the_menu_are_known_to_their_families() -> None:
    for spec in default_menu():
        if not spec.embedded:
            assert spec.checkpoint in all_families()[spec.family].checkpoints


def test_tasks_come_from_the_family() -> None:
    menu = {spec.name: spec for spec in default_menu()}
    assert Task.GROUNDING in menu["embedded-llava15"].tasks
    assert not menu["SmolVLM-256M-Instruct"].supports(Task.GROUNDING)
    assert menu["SmolVLM-256M-Instruct"].tasks == (
        Task.CHAT,
        Task.CAPTION,
        Task.DETAILED_CAPTION,
        Task.VQA,
    )


def test_a_model_of_the_hub_that_was_never_fetched_is_not_here() -> None:
    spec = ModelSpec(name="x", family="smolvlm", checkpoint="nobody/no-such-model")
    assert not spec.is_here
    assert spec.folder is None


def test_a_menu_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    path = menu_file(
        tmp_path,
        """
        [[model]]
        name = "Mine"
        family = "llava15"
        checkpoint = "mine"
        languages = ["English", "日本語"]
        quantization = "4bit"

        [[model]]
        name = "Pinned"
        family = "kosmos2"
        checkpoint = "someone/model"
        revision = "abc"
        trust_remote_code = true
        """,
    )
    mine, pinned = load_menu(path)
    assert mine == ModelSpec(
        name="Mine",
        family="llava15",
        checkpoint=str(tmp_path / "mine"),
        languages=("English", "日本語"),
        quantization="4bit",
    )
    assert mine.is_here
    assert (pinned.checkpoint, pinned.revision) == ("someone/model", "abc")


GOOD = '[[model]]\nname = "x"\nfamily = "llava15"\ncheckpoint = "a/b"\n'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no models"),
        ("model = 3", "has no models"),
        ("model = [3]", "not a .*table"),
        ("[[model", "not valid TOML"),
        ('[[model]]\nfamily = "llava15"\ncheckpoint = "a/b"', "'name' is missing"),
        ('[[model]]\nname = "x"\nfamily = "llava15"', "model 'x': 'checkpoint' is missing"),
        (GOOD + 'engin = "local"', "no 'engin'. Known: name, family"),
        (GOOD + 'engine = "magic"', "engine = 'magic' cannot be used"),
        (GOOD + 'quantization = "3bit"', "quantization = '3bit'.*4bit"),
        (GOOD + "parameters = 1.5", "parameters = 1.5"),
        (GOOD + "parameters = true", "parameters = True"),
        (GOOD + 'languages = "English"', "list of strings"),
        (GOOD + "note = 3", "note = 3.*str"),
        (GOOD + "trust_remote_code = true", "needs a pinned revision"),
        (GOOD.replace("llava15", "lava"), "model family 'lava'. Known"),
        (GOOD + GOOD, "several models called 'x'"),
    ],
)
def test_a_menu_that_cannot_be_used_says_where_and_why(
    text: str, reason: str, tmp_path: Path
) -> None:
    path = menu_file(tmp_path, text)
    with pytest.raises(SettingsError, match=rf"menu\.toml.*{reason}"):
        load_menu(path)


def test_a_menu_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        load_menu(tmp_path / "none.toml")


def test_finding_by_name() -> None:
    menu = default_menu()
    assert find(menu, "embedded-kosmos2") is menu[1]
    with pytest.raises(UnknownModelError, match=r"no model called 'gpt'.*embedded-llava15"):
        find(menu, "gpt")


def test_a_folder_gets_the_family_of_its_config(tiny_kosmos2: Path) -> None:
    spec = spec_for_checkpoint(f" {tiny_kosmos2} ")
    assert (spec.family, spec.checkpoint, spec.name) == (
        "kosmos2",
        str(tiny_kosmos2),
        tiny_kosmos2.name,
    )


def test_checkpoints_that_cannot_become_an_entry(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="give a Hub id"):
        spec_for_checkpoint("  ")
    with pytest.raises(LoadError, match="HF_HUB_OFFLINE"):
        spec_for_checkpoint("nobody/no-such-model")
    with pytest.raises(LoadError, match="There is no folder"):
        spec_for_checkpoint("just words")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(UnknownModelError, match="'bert' are not supported yet"):
        spec_for_checkpoint(str(tmp_path))
