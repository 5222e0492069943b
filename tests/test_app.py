"""The programs that people start: the page comes up soon, and bad settings end in one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import ROOT

from vlm_demo.settings import declarations

LONGEST_START_S = 180  # 15 on an idle laptop; test machines are busy


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def run(*flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py", *flags],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@contextmanager
def started(*flags: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "app.py", *flags],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.terminate()
            program.communicate(timeout=30)


def wait_for_page(address: str) -> str:
    end = time.monotonic() + LONGEST_START_S
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return str(response.read().decode())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert time.monotonic() < end, "The page did not come up in time."
            time.sleep(0.2)


def test_the_page_comes_up_where_a_proxy_is_set_that_cannot_reach_it(tmp_path: Path) -> None:
    port, proxy = free_port(), f"http://127.0.0.1:{free_port()}"
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    proxies = dict.fromkeys(names, proxy) | {"no_proxy": "", "NO_PROXY": ""}
    with started("--port", str(port), GRADIO_TEMP_DIR=str(tmp_path), **proxies) as program:
        assert program.stdout
        assert f"http://127.0.0.1:{port}" in program.stdout.readline()


def test_the_page_comes_up_says_where_and_looks_nothing_up(tmp_path: Path) -> None:
    """Every name that the program looks up, and every connection beyond this machine, is fatal."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def forbid(event, arguments):\n"
        "    host = None\n"
        "    if event == 'socket.getaddrinfo':\n"
        "        host = arguments[0]\n"
        "    if event == 'socket.connect' and isinstance(arguments[1], tuple):\n"
        "        host = arguments[1][0]\n"
        "    if host not in (None, '', 'localhost', '127.0.0.1', '0.0.0.0', '::1'):\n"
        "        open(os.environ['LOOKUPS'], 'a').write(f'{event} {host}\\n')\n"
        "sys.addaudithook(forbid)\n"
    )
    port, lookups = free_port(), tmp_path / "lookups"
    with started(
        "--port",
        str(port),
        PYTHONPATH=str(tmp_path),
        LOOKUPS=str(lookups),
        GRADIO_TEMP_DIR=str(tmp_path / "gradio"),
        HF_HUB_OFFLINE="0",
    ) as program:
        page = wait_for_page(f"http://127.0.0.1:{port}/")
        assert program.stdout
        assert f"http://127.0.0.1:{port}" in program.stdout.readline()
        time.sleep(5)  # the default model loads meanwhile
    assert "VLM demo" in page
    assert 'lang="' in page
    assert not lookups.exists(), lookups.read_text()


def test_a_setting_that_cannot_be_used_ends_in_one_line() -> None:
    ended = run("--device", "abacus")
    assert ended.returncode == 2
    assert "it must be one of auto, cpu, cuda, mps" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_taken_port_ends_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run("--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: The page cannot be served: port ")
    assert "--port" in ended.stderr
    assert ended.stderr.count("\n") == 1


# Other ways to start it


def test_the_command_takes_the_flags_of_the_program() -> None:
    """`vlm-demo serve` and `python app.py` are one parser, made of the settings' declarations."""
    page = run("--help").stdout
    command = subprocess.run(
        [sys.executable, "-m", "vlm_demo", "serve", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert page.removeprefix("Usage: python app.py") == command.removeprefix(
        "Usage: python -m vlm_demo serve"
    )
    for setting in declarations().values():
        assert (f"{setting.flag} " in page) is setting.is_flag


@pytest.mark.parametrize("module", ["backend.py", "families/llava/llava15.py"])
def test_a_module_that_is_run_says_what_to_run_instead(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, f"vlm_demo/{module}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "Run `python app.py`" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_folder_of_the_package_can_be_run() -> None:
    shown = subprocess.run(
        [sys.executable, "vlm_demo", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "Commands:" in shown.stdout


def test_no_module_hides_one_of_the_standard_library() -> None:
    """Python looks in the folder of a program first: a debugger or an IDE's "run" starts there."""
    folder = ROOT / "vlm_demo"
    names = {path.stem for path in folder.iterdir()} - {"__init__", "__main__", "__pycache__"}
    assert not names & sys.stdlib_module_names
    subprocess.run([sys.executable, "-c", "import dataclasses, typing"], cwd=folder, check=True)
