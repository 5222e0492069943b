"""What the program is doing now, in numbers: its models, memory and disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from vlm_demo.backend import Backend
from vlm_demo.engines import Usage


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """A model that is loaded, and what it is doing."""

    name: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of one moment; all sizes are in bytes."""

    models: Sequence[ModelFigures]
    resident_memory: int  # of this process
    free_memory: int
    free_gpu_memory: int | None  # None: models run on the CPU, or none is loaded
    free_disk: int  # where uploads are kept
    open_files: int  # of this process; 0 where the system does not say

    @property
    def answering(self) -> int:
        """Answers that are being written."""
        return sum(model.usage.answering for model in self.models)

    @property
    def waiting(self) -> int:
        """Requests that wait for a model."""
        return sum(model.usage.waiting for model in self.models)


def measure(backend: Backend) -> Figures:
    """Measure what the program is doing now."""
    process = psutil.Process()
    usages = ((spec.name, backend.usage(spec.name)) for spec in backend.menu)
    models = [ModelFigures(name, usage) for name, usage in usages if usage]
    return Figures(
        models=models,
        resident_memory=process.memory_info().rss,
        free_memory=psutil.virtual_memory().available,
        # Before a model is loaded, that would have to wait for torch.
        free_gpu_memory=backend.free_memory().gpu if models else None,
        free_disk=shutil.disk_usage(Path(tempfile.gettempdir())).free,
        open_files=process.num_fds() if hasattr(process, "num_fds") else 0,
    )
