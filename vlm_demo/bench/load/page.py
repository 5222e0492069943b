"""The page that is loaded: a process of its own, with its files in a folder of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from vlm_demo.bench.local_servers import free_port, serving

MODEL = "embedded-llava15"

CACHE_GIB = "0.1"
"""Memory for caches, which are then full soon: what grows after that is not their filling."""


@dataclass(frozen=True)
class LoadedPage:
    """A page that is up."""

    address: str
    process: psutil.Process

    def resident_mb(self) -> float:
        """Return the memory of the page, with the processes that open pictures, in megabytes."""
        total = 0
        for one in (self.process, *self.process.children(recursive=True)):
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:  # it has ended meanwhile
                continue
        return total / 1e6


@contextmanager
def serve_page(threads: int, waiting: int) -> Iterator[LoadedPage]:
    """Serve the page while the block runs.

    Args:
        threads: that its models may use.
        waiting: requests that may wait for a model.

    Raises:
        UnavailableError: it did not start.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory(prefix="vlm-demo-load-") as folder:
        command = [sys.executable, "-m", "vlm_demo", "serve", "--port", str(port)]
        command += ["--votes", f"{folder}/votes.db", "--threads", str(threads)]
        command += ["--waiting", str(waiting), "--cache-gib", CACHE_GIB]
        variables = {"GRADIO_TEMP_DIR": folder, "GRADIO_ANALYTICS_ENABLED": "False"}
        log = Path(folder, "page.log")
        with serving(command, f"{address}healthz", log, threads, variables):
            (process,) = psutil.Process().children()
            yield LoadedPage(address, process)
