"""What all measurements share: the options, the models, and a way to report progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vlm_demo.bench import models
from vlm_demo.bench.models import ModelKind
from vlm_demo.bench.options import BenchOptions
from vlm_demo.bench.results import BenchRow
from vlm_demo.engines import Serving


class UnavailableError(Exception):
    """Something that a measurement needs is missing; the message says what."""


@dataclass(slots=True)
class BenchContext:
    """One run of the benchmark."""

    options: BenchOptions
    folder: Path  # for temporary files
    report: Callable[[str], None]
    _saved: dict[str, Path] = field(default_factory=dict)

    def checkpoint(self, kind: ModelKind) -> Path:
        """Return the folder of a random model, which is built at the first call."""
        if kind.name not in self._saved:
            shape = models.TINY if self.options.tiny else models.SEVENTY_MILLION
            self.report(f"building a random {kind.name}")
            folder = self.folder / kind.name
            self._saved[kind.name] = models.save(kind, shape, folder, self.options.seed)
        return self._saved[kind.name]

    def serving(self, batch: int) -> Serving:
        """Return how the program's side serves: as it does by default, but for the threads."""
        return Serving(batch=batch, threads=self.options.threads)

    def repeats(self, what: str) -> Iterator[int]:
        """Count the repeats and report each."""
        for repeat in range(self.options.repeats):
            self.report(f"{what}, {repeat + 1} of {self.options.repeats}")
            yield repeat


@dataclass(frozen=True, slots=True)
class Measurement:
    """Rows that are measured together, and how."""

    ids: Sequence[str]
    measure: Callable[[BenchContext], Iterator[BenchRow]]
