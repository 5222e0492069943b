"""A KV cache whose memory and shapes stay as they are from step to step, as CUDA graphs need it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from vlm_demo.engines.local.decoding.kv_cache import (
    MIN_SPARE_COLUMNS,
    Buffer,
    BufferSlice,
    GrowingLayer,
    KvCache,
    LayerKeyValues,
    copy_rows,
)

MIN_COLUMNS = 256
"""Buffers have a multiple of this many columns, and of at least an eighth of their number: few
shapes to record, and little computation on empty columns."""


def round_up_rows(rows: int) -> int:
    """Return the next power of two."""
    return 1 << (rows - 1).bit_length()


def round_up_columns(columns: int) -> int:
    """Return how many columns a buffer has that can hold so many."""
    step = max(MIN_COLUMNS, 1 << max(columns.bit_length() - 3, 0))
    return -(-columns // step) * step


class FixedMemory:
    """Memory that stays where it is until more of it is needed."""

    def __init__(self) -> None:
        self.moves = 0
        self._values: Tensor | None = None

    def zeros(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Return the memory as zeros of a shape, overwriting what was returned before.

        Empty columns must hold numbers: NaN stays NaN even with a weight of zero.
        """
        needed = prod(shape)
        if self._values is None or needed > len(self._values):
            self._values = like.new_empty(needed + needed // 2)
            self.moves += 1
        return self._values[:needed].view(shape).zero_()


class FixedLayer(GrowingLayer):
    """A layer whose buffers are read whole, and written in one column."""

    def __init__(self, write_column: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.memories = (FixedMemory(), FixedMemory())
        self._write_column = write_column  # that the next step writes, (1,)
        self._rows = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the buffers."""
        rows, _, columns, _ = self.buffer.keys.shape
        return rows, columns

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Write one column; return whole buffers, with a mask to say what counts."""
        self.buffer.keys.index_copy_(2, self._write_column, key_states)
        self.buffer.values.index_copy_(2, self._write_column, value_states)
        return self.buffer.keys, self.buffer.values

    def truncate(self, columns: int) -> None:
        """Set the number of used columns: later ones are dropped, or were written just now."""
        keys, values = self.buffer.first(columns)
        self.keys, self.values = keys[: self._rows], values[: self._rows]

    def start_with_copies(self, *rows: LayerKeyValues) -> None:
        """Start with copies of some rows, which may be in this layer's own memory."""
        copies = copy_rows(rows, room=0)
        self._rows = len(copies.keys)
        states = (copies.keys, copies.values)
        keys, values = map(self._copy_into, self.memories, states)
        self.start_from(BufferSlice(Buffer(keys, values, copies.used), copies.used))
        self.truncate(copies.used)

    def keep_rows(self, rows: Sequence[int], start: int) -> None:
        """Keep some rows and their columns from `start` on, in the smallest shape for them."""
        keys, values = self.keys[:, :, start:], self.values[:, :, start:]
        self.start_with_copies(*((keys[row : row + 1], values[row : row + 1]) for row in rows))

    def _copy_into(self, memory: FixedMemory, states: Tensor) -> Tensor:
        rows, heads, columns, size = states.shape
        shape = (round_up_rows(rows), heads, round_up_columns(columns + MIN_SPARE_COLUMNS), size)
        buffer = memory.zeros(shape, like=states)
        buffer[:rows, :, :columns] = states
        return buffer


class FixedCache(KvCache):
    """The KV cache of steps in fixed shapes, reused from batch to batch."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.write_column = torch.zeros(1, dtype=torch.long, device=device)
        self._fixed: list[FixedLayer] = []

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the buffers, the same in all layers."""
        return self._fixed[0].shape

    @property
    def moves(self) -> int:
        """How often memory has moved; steps recorded before must not be replayed."""
        return sum(memory.moves for layer in self._fixed for memory in layer.memories)

    def copy_from(self, cache: KvCache) -> None:
        """Start with copies of what another cache holds."""
        if not self._fixed:
            self._fixed = [FixedLayer(self.write_column) for _ in cache.active_layers]
            self.layers = [*self._fixed]
        for own, new in zip(self._fixed, cache.active_layers, strict=True):
            own.start_with_copies((new.keys, new.values))

    def grow_if_full(self) -> None:
        """Move to larger buffers where there is no room for another column."""
        if self.columns < self.shape[1]:
            return
        for layer in self._fixed:
            layer.start_with_copies((layer.keys, layer.values))
