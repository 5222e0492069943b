"""Models that were made here stand on the menu, beside what a person wrote there."""

from pathlib import Path

import pytest

from vlm_demo.backend import Backend
from vlm_demo.catalog.menu import default_menu, load_menu
from vlm_demo.catalog.own_models import add_to_menu, own_menu_file, own_models, read_menu
from vlm_demo.catalog.spec import ModelSpec


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def _spec(tmp_path: Path, name: str, note: str = "") -> ModelSpec:
    (tmp_path / name).mkdir(exist_ok=True)
    return ModelSpec(
        name=name,
        family="llava15",
        checkpoint="acme/base",
        adapter=str(tmp_path / name),
        languages=("English", "日本語"),
        parameters=5,
        note=note,
    )


def test_a_model_made_here_is_on_the_menu_of_the_next_start_and_of_this_one(tmp_path: Path) -> None:
    backend = Backend(read_menu(None))
    spec = _spec(tmp_path, "mine", 'says "hello"')
    add_to_menu(spec, own_menu_file())
    assert backend.add_from_menu(None) == (spec,)
    assert backend.add_from_menu(None) == ()
    assert read_menu(None)[-1] == spec


def test_a_model_whose_folder_is_gone_is_left_out(tmp_path: Path) -> None:
    for name in ("first", "second"):
        add_to_menu(_spec(tmp_path, name), own_menu_file())
    (tmp_path / "first").rmdir()
    assert [spec.name for spec in own_models(default_menu())] == ["second"]


def test_what_a_person_wrote_in_a_menu_stays(tmp_path: Path) -> None:
    menu = tmp_path / "menu.toml"
    menu.write_text(
        "# my menu\n[[model]]\nname = \"a\"\nfamily = 'llava15'\ncheckpoint = 'x/a' # mine\n"
    )
    add_to_menu(_spec(tmp_path, "new", "once"), menu)
    add_to_menu(_spec(tmp_path, "new", "twice"), menu)
    assert "# my menu" in menu.read_text()
    assert "# mine" in menu.read_text()
    assert [(spec.name, spec.note) for spec in load_menu(menu)] == [("a", ""), ("new", "twice")]
