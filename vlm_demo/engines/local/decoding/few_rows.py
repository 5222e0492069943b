"""Linear layers on a CPU, for the few rows of a step or of a question after a known picture.

For 4 to some 60 rows, MKL is slower at rows times weights than at weights times columns, which is
the same product the other way round: a third of the time can be spared where the weights do not fit
into the processor's cache. oneDNN spares as much again, for a copy of the weights in an order of
its own. `python -m vlm_demo bench --only batch8_short` shows it.
"""

from __future__ import annotations

import platform
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.nn import functional

ROWS = range(4, 65)
"""For fewer, MKL reads the weights once, as fast as memory allows; for more, both are alike."""

COPIED_ROWS = range(4, 129)
"""The same, where there is a copy of the weights."""

LEAST_WEIGHTS = 1 << 18
"""Of a layer (1 MiB): smaller ones stay in the cache."""

COPIES_SHARE = 0.25
"""Of the memory that is free when the first copy is made, for all copies of a model."""

_LAID_OUT_FOR = 8  # rows that the copy's order suits best; it serves others, too


def speed_up(model: Any) -> None:
    """Let a model's large float32 layers on a CPU take few rows the faster way.

    Their weights must stay as they are from then on: they may be copied, when first needed.
    """
    copies = _Copies()
    for layer in model.modules():
        if type(layer) is nn.Linear and _is_slow(layer.weight):
            # mypy allows no method to be replaced; a subclass would have to be built and filled.
            layer.forward = _Product(layer, copies)  # type: ignore[method-assign]


def _is_slow(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype is torch.float32
        and weight.numel() >= LEAST_WEIGHTS
    )


class _Copies:
    """Makes copies of weights as long as there is memory for them."""

    def __init__(self) -> None:
        self._left: float | None = None  # bytes; None: not measured yet

    def of(self, weight: Tensor) -> Tensor | None:
        """Return the weights in the order of oneDNN; None: there is no room, or no oneDNN."""
        if self._left is None:
            self._left = COPIES_SHARE * psutil.virtual_memory().available if _has_onednn() else 0
        if weight.nbytes > self._left:
            return None
        self._left -= weight.nbytes
        copy: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), _LAID_OUT_FOR)
        return copy


def _has_onednn() -> bool:
    """Whether PyTorch was built with these operators, which its own compiler uses, for x86."""
    return (
        platform.machine() in ("x86_64", "AMD64")
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class _Product:
    """What a layer does with its inputs."""

    def __init__(self, layer: nn.Linear, copies: _Copies) -> None:
        self._layer = layer
        self._copies = copies
        self._copy: Tensor | None = None
        self._asked = False  # for the copy; layers that never see few rows need none

    def __call__(self, input: Tensor) -> Tensor:
        layer, shape = self._layer, input.shape[:-1]
        rows = shape.numel()
        if rows not in COPIED_ROWS:
            return functional.linear(input, layer.weight, layer.bias)
        if not self._asked:
            self._copy, self._asked = self._copies.of(layer.weight), True
        if self._copy is not None:
            product: Tensor = torch.ops.mkldnn._linear_pointwise(
                input, self._copy, layer.bias, "none", [], ""
            )
            return product
        if rows not in ROWS:
            return functional.linear(input, layer.weight, layer.bias)
        columns = layer.weight @ input.reshape(-1, input.shape[-1]).t()
        result = columns.t().contiguous().view(*shape, -1)  # fused attention wants it in order
        return result if layer.bias is None else result + layer.bias
