"""The machine on which the benchmark runs."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import psutil
import torch

from vlm_demo.results.processor import processor_name

LIBRARIES = ("torch", "transformers", "gradio")


def describe_machine(threads: int) -> dict[str, Any]:
    """Return what may explain a figure."""
    return {
        "cpu": processor_name(),
        "cores": psutil.cpu_count(logical=False),
        "threads_used": threads,
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
