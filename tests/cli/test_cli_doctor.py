"""What `vlm-demo doctor` finds on a machine, and which licences the packages have."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest

from vlm_demo.cli.doctor import packages
from vlm_demo.cli.doctor.machine import examine_folder, examine_page
from vlm_demo.settings import Settings


def torch_findings(
    monkeypatch: pytest.MonkeyPatch, printed: str, status: int = 0
) -> dict[str, str]:
    ended = subprocess.CompletedProcess([], status, printed, "")
    monkeypatch.setattr(packages.subprocess, "run", lambda *_, **__: ended)
    return {one.what: f"{one.state}: {one.words}" for one in packages.examine_torch()}


def test_a_torchvision_that_does_not_fit_is_odd(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = {"torch": "2.9", "cuda": None, "gpus": [], "torchvision_error": "no operator nms"}
    found = torch_findings(monkeypatch, json.dumps(printed))
    assert found["torch"] == "fine: 2.9, for CPUs"
    assert found["torchvision"].startswith("odd: ")
    assert "no operator nms" in found["torchvision"]


def test_a_torch_that_ends_python_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch_findings(monkeypatch, "", -11)["torch"].startswith("missing: it ends Python")


@pytest.mark.parametrize(("cuda", "why"), [(None, "for CPUs"), ("13.0", "driver")])
def test_a_gpu_that_torch_does_not_see_is_odd(
    monkeypatch: pytest.MonkeyPatch, cuda: str | None, why: str
) -> None:
    monkeypatch.setattr(packages.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    printed = {"torch": "2.9", "cuda": cuda, "gpus": [], "torchvision": "0.24"}
    found = torch_findings(monkeypatch, json.dumps(printed))
    assert found["GPU"].startswith("odd: ")
    assert why in found["GPU"]


def test_a_folder_that_cannot_be_made_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert examine_folder("Votes", tmp_path / "new" / "deep").state != "missing"
    assert examine_folder("Votes", file / "below").state == "missing"


def test_a_taken_port_and_a_page_without_an_operator_are_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = {one.what: one for one in examine_page(Settings(port=port, public=True))}
    assert found["Port"].state == "missing"
    assert "--port" in found["Port"].words
    assert found["Operator"].state == "odd"


def test_every_requirement_is_read() -> None:
    names = {one.name for one in packages.list_requirements()}
    assert {"gradio", "torch", "pillow", "starlette"} <= names
