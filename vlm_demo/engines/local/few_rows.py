"""Linear layers on a CPU, for the few rows of a step or of a question after a known picture.

For 4 to some 60 rows, MKL is slower at rows times weights than at weights times columns, which is
the same product the other way round: a third of the time can be spared where the weights do not fit
into the processor's cache. `python -m vlm_demo bench --only batch8_short` shows it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

ROWS = range(4, 65)
"""For fewer, MKL reads the weights once, as fast as memory allows; for more, both are alike."""

LEAST_WEIGHTS = 1 << 18
"""Of a layer (1 MiB): smaller ones stay in the cache."""


def speed_up(model: Any) -> None:
    """Let a model's large float32 layers on a CPU take few rows the faster way."""
    for layer in model.modules():
        if type(layer) is nn.Linear and _is_slow(layer.weight):
            layer.forward = partial(_product, layer)  # type: ignore[method-assign]


def _is_slow(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype is torch.float32
        and weight.numel() >= LEAST_WEIGHTS
    )


def _product(layer: nn.Linear, inputs: Tensor) -> Tensor:
    rows = inputs.shape[:-1]
    if rows.numel() not in ROWS:
        return functional.linear(inputs, layer.weight, layer.bias)
    columns = layer.weight @ inputs.reshape(-1, inputs.shape[-1]).t()
    result = columns.t().contiguous().view(*rows, -1)  # fused attention wants it in order
    return result if layer.bias is None else result + layer.bias
