"""Copies a prompt's tensors to the device of the model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def move_to_device(inputs: Any, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """Copy a processor's tensors to where the model is; pixels get the model's precision.

    On the way to a GPU they go through pinned memory, so that the copy does not wait for the GPU's
    work. Their precision changes there, since a copy that changes it goes through other memory.
    """
    moved: dict[str, Tensor] = {}
    for name, value in inputs.items():
        if not isinstance(value, Tensor):
            moved[name] = value
            continue
        if device.type == "cuda" and value.device.type == "cpu":
            value = value.pin_memory()
        value = value.to(device, non_blocking=True)
        moved[name] = value.to(dtype) if value.is_floating_point() else value
    return moved
