"""Where a model goes, and in which number format: decisions, made before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import torch

from vlm_demo.engines.base import Dtype, Quantization
from vlm_demo.engines.local.checkpoints.weights import StoredWeights
from vlm_demo.errors import LoadError
from vlm_demo.settings import Device

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

DEVICE_SLACK = 0.9
"""Share of each GPU that is filled where a model is spread over several: layers are not divided,
and each GPU needs room to compute in."""


def pick_device(wanted: Device) -> str:
    """Return the device to use: the one that was asked for, or the fastest that is there.

    Raises:
        LoadError: there is no such device.
    """
    here = ["cpu"]
    if torch.backends.mps.is_available():
        here.insert(0, "mps")
    if torch.cuda.is_available():
        here.insert(0, "cuda")
    if wanted != "auto" and wanted not in here:
        raise LoadError(
            f"There is no {wanted} device that this program can use. Please choose another one; "
            f"here there are: {', '.join(here)}."
        )
    return here[0] if wanted == "auto" else wanted


def pick_dtype(
    weights: StoredWeights,
    own: torch.dtype | None,
    wanted: Dtype,
    quantization: Quantization,
    *,
    device: str,
    free: int,
) -> torch.dtype | None:
    """Return the number format of what is not quantised; None: as it is stored.

    CPUs compute half precision slowly or not at all, so there it is widened where memory allows;
    float16 always, as its CPU kernels are the poorest.

    Args:
        weights: of the checkpoint.
        own: the checkpoint's own number format, where it names one.
        wanted: by the menu.
        quantization: of the linear layers.
        device: where the model goes.
        free: bytes that it may take there.
    """
    if wanted != "auto":
        return DTYPES[wanted]
    if quantization != "none":
        return torch.float32 if device == "cpu" else torch.bfloat16
    if device != "cpu":
        return own
    if own is torch.bfloat16 and weights.memory(torch.float32.itemsize) > free:
        return own
    return torch.float32 if own in (None, torch.float16, torch.bfloat16) else own


def pick_device_map(device: str, needed: int, free_by_gpu: Sequence[int]) -> dict[str, Any]:
    """Return the options that tell transformers where each layer goes.

    One GPU is best, if one has room: no layer then waits for what another GPU sends. Several share
    a model that is too large for each of them. Nothing is ever put off to memory or disk, where it
    would be too slow to be of use.

    Args:
        device: where the model goes: "cpu", "cuda", "mps".
        needed: bytes that the weights take.
        free_by_gpu: bytes that are free on each GPU, in torch's order.
    """
    if device != "cuda":
        return {"device_map": {"": device}}
    roomiest = max(range(len(free_by_gpu)), key=free_by_gpu.__getitem__)
    if needed <= free_by_gpu[roomiest]:
        return {"device_map": {"": roomiest}}
    shares = {gpu: int(free * DEVICE_SLACK) for gpu, free in enumerate(free_by_gpu) if free > 0}
    return {"device_map": "auto", "max_memory": shares}


def offered_formats(device: str) -> list[tuple[Dtype, Quantization]]:
    """Return the ways to load a model that make sense on a device, as it is first."""
    offered: list[tuple[Dtype, Quantization]] = [("auto", "none")]
    if device == "cpu" or (device == "cuda" and _computes_bfloat16()):
        offered.append(("bfloat16", "none"))
    if device != "cpu":
        offered.append(("float16", "none"))
    if device != "mps" and find_spec("bitsandbytes"):
        offered += [("auto", "8bit"), ("auto", "4bit")]
    return offered


def _computes_bfloat16() -> bool:
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))
