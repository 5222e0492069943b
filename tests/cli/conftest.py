"""The command line in this process, with tiny models or with replies that a test scripts."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
from support import ROOT

from vlm_demo.backend import Backend
from vlm_demo.cli import run


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def run_command(capfd, monkeypatch):
    """Run the command line in this process."""

    def run_it(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        status = run([str(argument) for argument in arguments])
        return Outcome(status, *capfd.readouterr())

    return run_it


@pytest.fixture
def menu(tmp_path, monkeypatch, tiny_llava15, tiny_kosmos2, tiny_smolvlm):
    """The tiny models as the menu; the LLaVA is the default."""
    path = tmp_path / "menu.toml"
    folders = {"llava15": tiny_llava15, "kosmos2": tiny_kosmos2, "smolvlm": tiny_smolvlm}
    path.write_text(
        "".join(
            f'[[model]]\nname = "tiny-{family}"\nfamily = "{family}"\n'
            f"checkpoint = {json.dumps(str(folder))}\n"
            for family, folder in folders.items()
        )
    )
    monkeypatch.setenv("VLM_DEMO_MENU", str(path))
    return path


@pytest.fixture
def file(tmp_path, picture):
    path = tmp_path / "picture.png"
    picture.save(path)
    return path


@pytest.fixture
def answering(monkeypatch):
    """Let the model give certain replies; the list that is returned holds what it was asked."""

    def script(*replies):
        asked = []

        def answer(self, model, request):
            asked.append(request)
            yield from replies

        monkeypatch.setattr(Backend, "answer", answer)
        monkeypatch.setattr(Backend, "load", lambda self, model: iter(()))
        return asked

    return script


@pytest.fixture
def run_process():
    """Run the program as another process."""

    def run_it(*arguments, **options):
        return subprocess.run(
            [sys.executable, "-m", "vlm_demo", *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=120,
            **options,
        )

    return run_it
