"""The program ends when it is told to, after the answers that are being written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest
from support.scripted import served

from vlm_demo.backend import Backend
from vlm_demo.server import Monitor
from vlm_demo.server.ending import Ending


@pytest.fixture
def ending() -> Iterator[Ending]:
    before = [(one, signal.getsignal(one)) for one in (signal.SIGTERM, signal.SIGINT)]
    ending = Ending()
    ending.install()
    yield ending
    for number, handler in before:
        signal.signal(number, handler)


def test_a_signal_ends_the_wait(ending: Ending) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    ending.wait()


def test_answers_are_waited_for_and_not_for_ever(ending: Ending) -> None:
    left = iter([2, 1, 0])
    assert ending.wait_for_answers(lambda: next(left), 10) == 0
    begin = time.monotonic()
    assert ending.wait_for_answers(lambda: 3, 0.3) == 3
    assert time.monotonic() - begin < 5


def test_threads_that_have_ended_keep_the_process_alive(ending: Ending) -> None:
    ended = Thread(target=int)
    ended.start()
    ending.leave([ended])


def test_a_thread_that_loads_for_long_does_not_abort_the_process() -> None:
    program = (
        "import threading, time\n"
        "from vlm_demo.server.ending import Ending\n"
        "slow = threading.Thread(target=time.sleep, args=(60,), daemon=True)\n"
        "slow.start()\n"
        "print('bye')\n"
        "Ending().leave([slow], 0.1)\n"
        "raise SystemExit(1)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "bye\n")


def test_a_page_that_ends_takes_no_more_requests(backend: Backend, tmp_path: Path) -> None:
    monitor = Monitor()
    with served(backend, tmp_path, monitor=monitor) as address:
        monitor.is_ending = True
        assert httpx.get(f"{address}healthz", trust_env=False).status_code == 503
        refused = httpx.post(f"{address}gradio_api/call/caption", json={}, trust_env=False)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "60"
        assert httpx.get(f"{address}config", trust_env=False).status_code == 200
