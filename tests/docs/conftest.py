"""A way to run the commands of the documents."""

import io
import shlex
import sys

import pytest
from support import ROOT

from vlm_demo.cli import run


@pytest.fixture
def run_command(capfd, monkeypatch, tmp_path):
    """Run a command of a document in a folder that has its pictures; return what it prints."""
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)

    def run_command(command, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = run(shlex.split(command)[1:])
        out, err = capfd.readouterr()
        assert status == 0, err
        return out

    return run_command
