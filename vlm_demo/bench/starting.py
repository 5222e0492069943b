"""What the program costs before it answers anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from vlm_demo.bench.context import BenchContext, Group, UnavailableError
from vlm_demo.bench.loopback import environment, free_port, serving
from vlm_demo.bench.rows import Row, row_of
from vlm_demo.catalog.menu import REPOSITORY

IMPORT = (
    "import time; start = time.process_time(); import vlm_demo.backend; "
    "print(time.process_time() - start)"
)


def _import(workshop: BenchContext) -> Iterator[Row]:
    """CPU time of the import within a fresh interpreter, whose own start is not counted."""
    _import_s(workshop)  # compiles what was never compiled
    times = [_import_s(workshop) for _ in workshop.repeats("import vlm_demo.backend")]
    yield row_of("import_cpu_s", times)


def _import_s(workshop: BenchContext) -> float:
    child = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=REPOSITORY,
        env=environment(workshop.options.threads),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(child.stdout)


def _page(workshop: BenchContext) -> Iterator[Row]:
    """From `python app.py` to the first page that is served in full."""
    if not (REPOSITORY / "app.py").is_file():
        raise UnavailableError("app.py is not here: run this in a copy of the repository.")
    times = []
    for _ in workshop.repeats("python app.py"):
        port = free_port()
        command = [sys.executable, "app.py", "--port", str(port)]
        log, threads = workshop.folder / "app.log", workshop.options.threads
        with serving(command, f"http://127.0.0.1:{port}/", log, threads) as took_s:
            times.append(took_s)
    yield row_of("page_up_s", times)


GROUPS = (Group(("import_cpu_s",), _import), Group(("page_up_s",), _page))
