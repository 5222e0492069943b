"""Decides where a model goes and in which number format, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import torch

from vlm_demo.engines.local.checkpoints.weights import StoredWeights
from vlm_demo.engines.number_format import NumberFormat
from vlm_demo.errors import LoadError
from vlm_demo.setting_declarations import Device

DTYPES: Mapping[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}

DEVICE_SLACK = 0.9
"""Share of each GPU's memory to fill where a model is spread over several: layers are not divided,
and each GPU needs memory to compute in."""


def pick_device(wanted: Device) -> str:
    """Return the device to use: the wanted one, or the fastest that is available.

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
            "There is no {wanted} device that this program can use. Choose one of: {here}.",
            wanted=wanted,
            here=", ".join(here),
        )
    return here[0] if wanted == "auto" else wanted


def pick_dtype(
    weights: StoredWeights,
    own: torch.dtype | None,
    number_format: NumberFormat,
    compute_format: NumberFormat,
    *,
    device: str,
    free: int,
) -> torch.dtype | None:
    """Return the number format of weights that are not quantized; None: as stored.

    CPUs compute half precision slowly or not at all, so there it is widened: bfloat16 where memory
    allows, float16 always, as its CPU kernels are the slowest.

    Args:
        weights: of the checkpoint.
        own: the checkpoint's own number format, if it names one.
        number_format: that the weights are to be loaded in.
        compute_format: that quantized weights are computed in.
        device: where the model goes.
        free: bytes that it may take there.
    """
    wanted = compute_format if number_format.is_quantized else number_format
    if wanted is not NumberFormat.AUTO:
        return DTYPES[wanted]
    if number_format.is_quantized:
        return torch.float32 if device == "cpu" else torch.bfloat16
    if device != "cpu":
        return own
    if own is torch.bfloat16 and weights.memory_bytes(torch.float32.itemsize) > free:
        return own
    return torch.float32 if own in (None, torch.float16, torch.bfloat16) else own


def pick_device_map(device: str, needed: int, free_by_gpu: Sequence[int]) -> dict[str, Any]:
    """Return the options that tell transformers where each layer goes.

    A single GPU with enough memory is best, as no layer then waits for another GPU. Several GPUs
    share a model that is too large for each of them. No layer is offloaded to memory or disk, which
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


def available_formats(device: str) -> list[NumberFormat]:
    """Return the ways to load a model that make sense on a device, as it is first."""
    formats: list[NumberFormat] = [NumberFormat.AUTO]
    if device == "cpu" or (device == "cuda" and _computes_bfloat16()):
        formats.append(NumberFormat.BFLOAT16)
    if device != "cpu":
        formats.append(NumberFormat.FLOAT16)
    if device != "mps" and find_spec("bitsandbytes"):
        formats += [NumberFormat.EIGHT_BIT, NumberFormat.FOUR_BIT]
    return formats


def _computes_bfloat16() -> bool:
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))
