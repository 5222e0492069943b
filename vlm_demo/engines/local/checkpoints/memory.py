"""Measures the memory that is free, and how much of it models take."""

from __future__ import annotations

import ctypes
import gc
import sys
from dataclasses import replace
from typing import Any

import psutil
import torch

from vlm_demo.engines.base import FreeMemory
from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.folders import folder_on_disk
from vlm_demo.engines.local.checkpoints.placement import available_formats, pick_device, pick_dtype
from vlm_demo.engines.local.checkpoints.weights import StoredWeights, read_weights
from vlm_demo.engines.number_format import NumberFormat
from vlm_demo.errors import LoadError
from vlm_demo.setting_declarations import Device

SPARE_BYTES = 500_000_000
"""Bytes of each device's memory that are left to the rest of the program."""

_DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}
"""Number formats by their names in safetensors."""


def free_memory(device: Device = "auto") -> FreeMemory:
    """Measure the memory of the machine and of its GPUs that another model could take."""
    ram = _nonnegative(psutil.virtual_memory().available - SPARE_BYTES)
    if device not in ("auto", "cuda") or not torch.cuda.is_available():
        return FreeMemory(ram)  # Apple's GPUs share the memory of the machine
    gpus = (_nonnegative(free - SPARE_BYTES) for free in free_on_device("cuda"))
    return FreeMemory(ram, gpu=sum(gpus))


def free_on_device(device: str) -> list[int]:
    """Return the free bytes of each GPU, or of the machine for other devices."""
    if device != "cuda":
        return [psutil.virtual_memory().available]
    return [torch.cuda.mem_get_info(gpu)[0] for gpu in range(torch.cuda.device_count())]


def total_memory(device: Device = "auto") -> int:
    """Return the bytes of all memory in which a model could be, whoever uses it now."""
    if device in ("auto", "cuda") and torch.cuda.is_available():
        return sum(torch.cuda.mem_get_info(gpu)[1] for gpu in range(torch.cuda.device_count()))
    return psutil.virtual_memory().total


def release_memory() -> None:
    """Return the memory of closed models to the system, once nothing refers to them."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        _trim_heap()


def _trim_heap() -> None:
    """Return the free parts of the heap, which glibc keeps: https://man7.org/linux/man-pages/man3/malloc_trim.3.html."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim:
        trim(0)


def _nonnegative(size: int) -> int:
    return max(size, 0)


def weights_memory(options: LoadOptions) -> int | None:
    """Return the fewest bytes that a checkpoint's weights take once loaded.

    None where they are not on this machine, or cannot be read.
    """
    weights = _weights_on_disk(options)
    return None if weights is None else _least_bytes(weights, options)


def weights_memory_by_format(options: LoadOptions) -> dict[NumberFormat, int | None]:
    """Return `weights_memory` for each number format that makes sense here."""
    weights = _weights_on_disk(options)
    plain = replace(options, compute_format=NumberFormat.AUTO)
    return {
        number_format: (
            _least_bytes(weights, replace(plain, number_format=number_format)) if weights else None
        )
        for number_format in available_formats(pick_device(options.device))
        if number_format is not NumberFormat.FOUR_BIT or weights is None or weights.can_be_4bit
    }


def footprint(model: Any) -> int:
    """Return the bytes of a loaded model's weights; shared ones are counted once."""
    return int(model.get_memory_footprint())


def precision(model: Any) -> str:
    """Return the number format of a loaded model, such as "float32" or "4-bit"."""
    if getattr(model, "is_loaded_in_4bit", False):
        return "4-bit"
    if getattr(model, "is_loaded_in_8bit", False):
        return "8-bit"
    return str(model.dtype).removeprefix("torch.")


def _weights_on_disk(options: LoadOptions) -> StoredWeights | None:
    folder = folder_on_disk(options.checkpoint, options.revision)
    try:
        return None if folder is None else read_weights(folder)
    except LoadError:
        return None  # loading it will say so


def _least_bytes(weights: StoredWeights, options: LoadOptions) -> int:
    dtype = pick_dtype(
        weights,
        _DTYPES.get(weights.main_dtype),
        options.number_format,
        options.compute_format,
        device=pick_device(options.device),
        free=0,
    )
    return weights.memory_bytes(dtype.itemsize if dtype else None, options.number_format)
