"""Families from other packages, by entry points."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from support import ROOT

from vlm_demo.families import all_families
from vlm_demo.plugins import discover_plugins
from vlm_demo.prompting.family import Family

FAMILY = """
from dataclasses import replace

from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family
from vlm_demo.values import Task

FAMILY = Family(
    name="acme",
    title="Acme",
    checkpoints=("acme/acme-7b",),
    model_types={"acme": Architecture(position_ids="plain")},
    instructions={Task.CHAT: "{text}"},
    documented_template="{{ messages[-1]['content'][-1]['text'] }}",
)
RELATIVES = (replace(FAMILY, name="acme_base", checkpoints=("acme/acme-7b-base",)),)
"""

OWN = all_families()
"""Read before any plug-in of these tests can be found."""

Plugin = Callable[[str, str], None]


def write_wheel(folder: Path, package: str, code: str) -> Path:
    """Write a wheel with one module and an entry point that names it."""
    wheel = folder / f"{package}-1.0-py3-none-any.whl"
    info = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{package}.py", code)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", f"[vlm_demo.families]\nmine = {package}\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def install(wheel: Path, target: Path) -> None:
    """Install a wheel with pip; where there is none, as pip does it."""
    if find_spec("pip") is None:
        zipfile.ZipFile(wheel).extractall(target)
        return
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*command, "--target", str(target), str(wheel)], check=True)


def run(target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with what was installed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": f"{target}:{ROOT}", "GRADIO_ANALYTICS_ENABLED": "False"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.services
def test_a_family_of_an_installed_package_is_known(tmp_path: Path) -> None:
    target = tmp_path / "site"
    install(write_wheel(tmp_path, "acme_vlm", FAMILY), target)
    asked = run(
        target, "-m", "vlm_demo", "prompt", "--model", "acme/acme-7b-base", "--text", "Hi", "--json"
    )
    assert json.loads(asked.stdout)["family"] == "acme_base"
    assert not asked.stderr


@pytest.mark.services
def test_a_plug_in_that_raises_is_named_and_the_page_starts(tmp_path: Path) -> None:
    target = tmp_path / "site"
    install(write_wheel(tmp_path, "broken_vlm", "1 / 0"), target)
    page = (
        "from vlm_demo.backend import Backend; from vlm_demo.catalog import default_menu; "
        "from vlm_demo.settings import Settings; from vlm_demo.ui.layout import build_page; "
        f"build_page(Backend(default_menu()[:1]), Settings(votes={str(tmp_path / 'votes.db')!r}))"
    )
    built = run(target, "-c", page)
    assert "mine = broken_vlm of broken_vlm is left out: ZeroDivisionError" in built.stderr


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """Installs a module as a plug-in of this process."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_module(package: str, code: str) -> None:
        zipfile.ZipFile(write_wheel(tmp_path, package, code)).extractall(tmp_path)
        monkeypatch.delitem(sys.modules, package, raising=False)

    return install_module


def discover_families() -> dict[str, Family]:
    return discover_plugins("vlm_demo.families", OWN, "FAMILY", Family, relatives="RELATIVES")


def test_the_families_of_a_plug_in_are_found_with_their_relatives(plugin: Plugin) -> None:
    plugin("good_vlm", FAMILY)
    assert list(discover_families()) == ["acme", "acme_base"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_library_anywhere", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x =", "SyntaxError"),
        ("family = 1", "it has no FAMILY"),
        ("FAMILY = 'acme'", "'acme' is no Family"),
        (FAMILY.replace('"acme"', '"llava15"'), "FAMILY 'llava15' exists already"),
        (FAMILY.replace('"acme_base"', '"kosmos2"'), "FAMILY 'kosmos2' exists already"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_named_and_left_out(
    code: str, reason: str, plugin: Plugin, caplog: pytest.LogCaptureFixture
) -> None:
    plugin("first_vlm", code)
    plugin("second_vlm", FAMILY.replace("acme", "umbra"))
    with caplog.at_level(logging.WARNING):
        assert set(discover_families()) == {"umbra", "umbra_base"}
    assert "mine = first_vlm of first_vlm is left out" in caplog.text
    assert reason in caplog.text


def test_of_two_plug_ins_with_one_name_the_second_is_left_out(
    plugin: Plugin, caplog: pytest.LogCaptureFixture
) -> None:
    plugin("one_vlm", FAMILY)
    plugin("other_vlm", FAMILY)
    with caplog.at_level(logging.WARNING):
        assert set(discover_families()) == {"acme", "acme_base"}
    assert caplog.text.count("exists already") == 1
