"""How long the program takes to start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from vlm_demo.bench.context import BenchContext, Measurement, UnavailableError
from vlm_demo.bench.local_servers import environment, free_port, serving
from vlm_demo.bench.results import BenchRow, median_row
from vlm_demo.catalog.menu import REPOSITORY

IMPORT = (
    "import time; start = time.process_time(); import vlm_demo.backend; "
    "print(time.process_time() - start)"
)


def _measure_import(context: BenchContext) -> Iterator[BenchRow]:
    """Measure the CPU time of the import in a fresh interpreter, whose own start is not counted."""
    _import_s(context)  # compiles what has not been compiled yet
    times = [_import_s(context) for _ in context.repeats("import vlm_demo.backend")]
    yield median_row("import_cpu_s", times)


def _import_s(context: BenchContext) -> float:
    child = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=REPOSITORY,
        env=environment(context.options.threads),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(child.stdout)


def _measure_page(context: BenchContext) -> Iterator[BenchRow]:
    """Measure the time from `python app.py` until a page is served completely."""
    if not (REPOSITORY / "app.py").is_file():
        raise UnavailableError("app.py is missing: run this in a clone of the repository.")
    times = []
    for _ in context.repeats("python app.py"):
        port = free_port()
        command = [sys.executable, "app.py", "--port", str(port)]
        log, threads = context.folder / "app.log", context.options.threads
        with serving(command, f"http://127.0.0.1:{port}/", log, threads) as took_s:
            times.append(took_s)
    yield median_row("page_up_s", times)


MEASUREMENTS = (
    Measurement(("import_cpu_s",), _measure_import),
    Measurement(("page_up_s",), _measure_page),
)
