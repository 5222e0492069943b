"""The repository as a Space runs it: its variables and port, and nothing that it may write."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support import ROOT

pytestmark = pytest.mark.services

LONGEST_START_S = 180


@contextmanager
def space(home: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the page as a user who owns nothing but a home, which is where a Space lets it write.

    Source: https://huggingface.co/docs/hub/spaces-overview (variables that a Space sets).
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "TMPDIR": str(home),
        "SYSTEM": "spaces",
        "SPACE_ID": "somebody/vlm-demo",
        "SPACE_HOST": "somebody-vlm-demo.hf.space",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SSR_MODE": "True",
        "HF_HUB_OFFLINE": "1",
        "VLM_DEMO_HOST": "127.0.0.1",  # a test listens nowhere else
        "VLM_DEMO_PORT": str(port),
        **variables,
    }
    # Only root may become another user; any other cannot write to the folder of root either.
    user = {"user": 65_534, "group": 65_534} if os.getuid() == 0 and can_be_read() else {}
    if user:
        shutil.chown(home, 65_534, 65_534)
    program = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, **user)
    try:
        yield program, f"http://127.0.0.1:{port}"
    finally:
        program.kill()
        program.wait()


def can_be_read() -> bool:
    """Whether Python and the repository are open to other users."""
    places = [Path(sys.executable).resolve(), Path(sys.executable), ROOT]
    folders = {folder for place in places for folder in place.parents}
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in folders)


def wait_until_up(address: str) -> None:
    end = time.monotonic() + LONGEST_START_S
    while True:
        try:
            assert httpx.get(f"{address}/healthz", trust_env=False, timeout=5).status_code == 200
            return
        except httpx.TransportError:
            assert time.monotonic() < end, "The page did not come up in time."
            time.sleep(0.2)


def test_a_space_starts_is_public_and_ends_in_time(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    with space(home) as (program, address):
        wait_until_up(address)
        page = httpx.get(address, headers={"Accept": "text/html"}, trust_env=False, timeout=60)
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self' https://huggingface.co")
        assert httpx.get(f"{address}/operations", trust_env=False).status_code == 403
        program.terminate()
        assert program.wait(60) == 0
