"""The machine on which the benchmark runs."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

LIBRARIES = ("torch", "transformers", "gradio")


def describe_machine(threads: int) -> dict[str, Any]:
    """Return what may explain a figure."""
    return {
        "cpu": _cpu(),
        "cores": psutil.cpu_count(logical=False),
        "threads_used": threads,
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _cpu() -> str:
    """Return the name of the processor; on Linux, it is in a file of its own."""
    info = Path("/proc/cpuinfo")
    match = re.search(r"^model name\s*: (.*)$", info.read_text(), re.M) if info.exists() else None
    return match[1] if match else platform.processor() or platform.machine()
