"""Servers on this machine, each in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import psutil

from vlm_demo.bench.context import UnavailableError
from vlm_demo.catalog.menu import REPOSITORY

MAX_START_S = 180.0
POLL_S = 0.02
STOP_S = 20.0  # until a server that was asked to end is killed

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses of this machine, without a proxy, which could not reach them."""


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a child process: as many threads as ours, and no network."""
    thread_counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return {**os.environ, **thread_counts, "HF_HUB_OFFLINE": "1"}


@contextmanager
def serving(
    command: Sequence[str],
    url: str,
    log: Path,
    threads: int,
    variables: Mapping[str, str] = MappingProxyType({}),
    *,
    max_start_s: float = MAX_START_S,
) -> Iterator[float]:
    """Run a server while the block runs; yield the seconds until it answered at `url`.

    Args:
        command: the program and its arguments.
        url: address that answers with status 200 once it is ready.
        log: file for what it prints.
        threads: CPU threads that it may use.
        variables: further environment variables.
        max_start_s: seconds until it must answer.

    Raises:
        UnavailableError: it ended, or did not answer in time.
    """
    start = time.perf_counter()
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**environment(threads), **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while not _answers(url):
                if child.poll() is not None or time.perf_counter() - start > max_start_s:
                    raise UnavailableError(_failure(command, log))
                time.sleep(POLL_S)
            yield time.perf_counter() - start
        finally:
            _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End a server and the processes that it has started."""
    with suppress(psutil.NoSuchProcess):
        processes = psutil.Process(child.pid).children(recursive=True)
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_S)
        _, alive = psutil.wait_procs(processes, 0)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        child.kill()
    child.wait()


def _answers(url: str) -> bool:
    try:
        with DIRECT.open(url, timeout=10) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _failure(command: Sequence[str], log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
    return f"{' '.join(command[1:4])} did not start: {lines[-1]}"
