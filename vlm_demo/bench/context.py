"""What the measurements share: the options, the models, a word on how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vlm_demo.bench import models
from vlm_demo.bench.models import Kind
from vlm_demo.bench.rows import Options, Row
from vlm_demo.engines import Serving


class UnavailableError(Exception):
    """What a measurement needs is not here; the message says what."""


@dataclass(slots=True)
class BenchContext:
    """One run of the benchmark."""

    options: Options
    folder: Path  # for what is written on the way
    say: Callable[[str], None]
    _saved: dict[str, Path] = field(default_factory=dict)

    def checkpoint(self, kind: Kind) -> Path:
        """Return the folder of a random model, which is built when it is first wanted."""
        if kind.name not in self._saved:
            shape = models.TINY if self.options.tiny else models.SEVENTY_MILLION
            self.say(f"building a random {kind.name}")
            folder = self.folder / kind.name
            self._saved[kind.name] = models.save(kind, shape, folder, self.options.seed)
        return self._saved[kind.name]

    def serving(self, batch: int) -> Serving:
        """Say how the program's side is set up: as it is by default, with our threads."""
        return Serving(batch=batch, threads=self.options.threads)

    def repeats(self, what: str) -> Iterator[int]:
        """Count the repeats, saying so."""
        for repeat in range(self.options.repeats):
            self.say(f"{what}, {repeat + 1} of {self.options.repeats}")
            yield repeat


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are measured together."""

    ids: Sequence[str]
    measure: Callable[[BenchContext], Iterator[Row]]
