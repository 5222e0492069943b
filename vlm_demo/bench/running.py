"""Runs the measurements, one group after the other."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from vlm_demo.bench import batching, gpu, page, ratings, reuse, starting, streaming, votes
from vlm_demo.bench.context import BenchContext, Group, UnavailableError
from vlm_demo.bench.machine import describe_machine
from vlm_demo.bench.rows import MEASURES, Options, Report, Row
from vlm_demo.errors import VlmDemoError

GROUPS: tuple[Group, ...] = (
    *starting.GROUPS,
    *page.GROUPS,
    *reuse.GROUPS,
    *batching.GROUPS,
    *streaming.GROUPS,
    *votes.GROUPS,
    *gpu.GROUPS,
    *ratings.GROUPS,
)

log = logging.getLogger(__name__)


def run(options: Options, say: Callable[[str], None]) -> Report:
    """Measure; `say` is told how far it is. Rows come in the order of `MEASURES`."""
    torch.set_num_threads(options.threads)
    machine = describe_machine(options.threads)
    start = time.monotonic()

    def say_when(what: str) -> None:
        say(f"[{time.monotonic() - start:4.0f} s] {what}")

    with TemporaryDirectory(prefix="vlm-demo-bench-") as folder:
        workshop = BenchContext(options, Path(folder), say_when)
        rows = [row for group in GROUPS for row in _measured(group, workshop)]
    machine["took_s"] = round(time.monotonic() - start)
    places = list(MEASURES)
    return Report(machine, sorted(rows, key=lambda row: places.index(row.id)))


def _measured(group: Group, workshop: BenchContext) -> Iterator[Row]:
    """Measure what is wanted of a group; what fails has a note instead of a value."""
    wanted = [id for id in group.ids if workshop.options.wants([id])]
    if not wanted:
        return
    done: dict[str, Row] = {}
    note = ""
    try:
        for row in group.measure(workshop):
            done[row.id] = row
    except (UnavailableError, VlmDemoError) as error:
        note = str(error)
    except Exception as error:  # the border of a group: the minutes before it are not lost
        log.exception("The rows %s could not be measured.", ", ".join(wanted))
        note = f"It failed: {type(error).__name__}: {error}"
    for id in wanted:
        yield done.get(id) or Row(id, None, note=note)
