"""Faster linear layers on a CPU for few rows: a step of a batch, or a question on a known image.

For 4 to some 60 rows, MKL computes rows times weights more slowly than the transposed product,
weights times columns, which takes a third less time where the weights do not fit into the CPU's
cache. oneDNN saves as much again with a copy of the weights in an order of its own.
`python -m vlm_demo bench --only batch8_short` shows it.
"""

from __future__ import annotations

import platform
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.nn import functional

TRANSPOSED_ROWS = range(4, 65)
"""Numbers of rows for which the transposed product is faster. For fewer, MKL reads the weights
once, as fast as memory allows; for more, both take the same time."""

REORDERED_ROWS = range(4, 129)
"""Numbers of rows for which the copy of the weights is faster."""

MIN_WEIGHTS = 1 << 18
"""Fewest weights of a layer that is sped up (1 MiB): smaller layers stay in the CPU's cache."""

COPY_MEMORY_SHARE = 0.25
"""Share of the memory that is free at the first copy which all copies of a model may take."""

_BEST_ROWS = 8
"""Number of rows that the order of the copies suits best; it serves others, too."""


def speed_up_small_batches(model: Any) -> None:
    """Speed up a model's large float32 layers on a CPU for few rows.

    Their weights must not change from then on, as they may be copied when first needed.
    """
    copies = _ReorderedWeights()
    for layer in model.modules():
        if type(layer) is nn.Linear and _is_slow(layer.weight):
            # mypy forbids replacing a method; a subclass would have to be built and given weights.
            layer.forward = _SmallBatchProduct(layer, copies)  # type: ignore[method-assign]


def _is_slow(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype is torch.float32
        and weight.numel() >= MIN_WEIGHTS
    )


class _ReorderedWeights:
    """Copies weights as long as there is memory for them."""

    def __init__(self) -> None:
        self._left: float | None = None  # bytes; None: not measured yet

    def copy(self, weight: Tensor) -> Tensor | None:
        """Return the weights in oneDNN's order; None: there is no memory for them, or no oneDNN."""
        if self._left is None:
            self._left = (
                COPY_MEMORY_SHARE * psutil.virtual_memory().available if _has_onednn() else 0
            )
        if weight.nbytes > self._left:
            return None
        self._left -= weight.nbytes
        copied: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _BEST_ROWS)
        return copied


def _has_onednn() -> bool:
    """Whether PyTorch was built with these operators, which its own compiler uses on x86."""
    return (
        platform.machine() in ("x86_64", "AMD64")
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class _SmallBatchProduct:
    """Replaces the `forward` of a linear layer."""

    def __init__(self, layer: nn.Linear, copies: _ReorderedWeights) -> None:
        self._layer = layer
        self._copies = copies
        self._copy: Tensor | None = None
        self._has_tried = False  # to copy; layers that never see few rows need no copy

    def __call__(self, input: Tensor) -> Tensor:
        layer, shape = self._layer, input.shape[:-1]
        rows = shape.numel()
        if rows not in REORDERED_ROWS:
            return functional.linear(input, layer.weight, layer.bias)
        if not self._has_tried:
            self._copy, self._has_tried = self._copies.copy(layer.weight), True
        if self._copy is not None:
            product: Tensor = torch.ops.mkldnn._linear_pointwise(
                input, self._copy, layer.bias, "none", [], ""
            )
            return product
        if rows not in TRANSPOSED_ROWS:
            return functional.linear(input, layer.weight, layer.bias)
        columns = layer.weight @ input.reshape(-1, input.shape[-1]).t()
        result = columns.t().contiguous().view(*shape, -1)  # fused attention needs it contiguous
        return result if layer.bias is None else result + layer.bias
