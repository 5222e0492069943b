"""Runs all measurements, one after the other."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from vlm_demo.bench.context import BenchContext, Measurement, UnavailableError
from vlm_demo.bench.machine import describe_machine
from vlm_demo.bench.measures import MEASURES
from vlm_demo.bench.options import BenchOptions
from vlm_demo.bench.results import BenchReport, BenchRow
from vlm_demo.bench.rows import (
    api,
    batching,
    films,
    gpu,
    page,
    prefix_cache,
    ratings,
    startup,
    streaming,
    vllm,
    votes,
)
from vlm_demo.errors import VlmDemoError

MEASUREMENTS: tuple[Measurement, ...] = (
    *startup.MEASUREMENTS,
    *page.MEASUREMENTS,
    *prefix_cache.MEASUREMENTS,
    *batching.MEASUREMENTS,
    *vllm.MEASUREMENTS,
    *streaming.MEASUREMENTS,
    *api.MEASUREMENTS,
    *votes.MEASUREMENTS,
    *gpu.MEASUREMENTS,
    *ratings.MEASUREMENTS,
    *films.MEASUREMENTS,
)

log = logging.getLogger(__name__)


def run(options: BenchOptions, report: Callable[[str], None]) -> BenchReport:
    """Measure; `report` is called with the progress. Rows come in the order of `MEASURES`."""
    torch.set_num_threads(options.threads)
    machine = describe_machine(options.threads)
    start = time.monotonic()

    def report_time(what: str) -> None:
        report(f"[{time.monotonic() - start:4.0f} s] {what}")

    with TemporaryDirectory(prefix="vlm-demo-bench-") as folder:
        context = BenchContext(options, Path(folder), report_time)
        rows = [row for measurement in MEASUREMENTS for row in _measure(measurement, context)]
    machine["took_s"] = round(time.monotonic() - start)
    order = list(MEASURES)
    return BenchReport(machine, sorted(rows, key=lambda row: order.index(row.id)))


def _measure(measurement: Measurement, context: BenchContext) -> Iterator[BenchRow]:
    """Measure the rows that are wanted; those that fail have a note instead of a value."""
    wanted = [id for id in measurement.ids if context.options.wants(id)]
    if not wanted:
        return
    done: dict[str, BenchRow] = {}
    note = ""
    try:
        for row in measurement.measure(context):
            done[row.id] = row
    except (UnavailableError, VlmDemoError) as error:
        note = str(error)
    except Exception as error:  # the results of other measurements are not lost
        log.exception("The rows %s could not be measured.", ", ".join(wanted))
        note = f"It failed: {type(error).__name__}: {error}"
    for id in wanted:
        yield done.get(id) or BenchRow(id, None, note=note)
