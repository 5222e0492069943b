"""Keys and values of a batch of sequences, in buffers that grow by the step without being copied.

The `DynamicCache` of transformers copies everything at every token. Here a layer has room to spare
and a step writes one column. Rows are aligned at their newest column; those that are shorter begin
later, and an attention mask says where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

KeysAndValues = tuple[Tensor, Tensor]
"""Of one layer, each (rows, heads, tokens, head size)."""

KeyValues = Sequence[KeysAndValues]
"""Keys and values of one sequence, layer by layer, each of one row."""

SPARE = 64
"""Columns of room for tokens to come; more as a sequence gets longer."""


def size_of(sequence: KeyValues) -> int:
    """Bytes of a sequence's keys and values."""
    return sum(part.nbytes for layer in sequence for part in layer)


def shortened(sequence: KeyValues, tokens: int) -> KeyValues:
    """Return the first tokens of a sequence, without copying them."""
    return [(keys[:, :, :tokens], values[:, :, :tokens]) for keys, values in sequence]


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer: `keys` and `values` are the filled part (rows, heads, columns, head size)."""

    keys: Tensor
    values: Tensor

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self._hold(key_states[:, :, :0], value_states[:, :, :0])
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Append columns; return all keys and values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.keys.shape[-2]
        end = start + key_states.shape[-2]
        if end > self._buffers[0].shape[-2]:
            self._hold(self.keys, self.values, room=end - start + max(SPARE, end // 4))
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, start:end] = states
        self.truncate(end)
        return self.keys, self.values

    def truncate(self, columns: int) -> None:
        """Fill exactly so many columns; those beyond are forgotten, or were written just now."""
        self.keys, self.values = (buffer[:, :, :columns] for buffer in self._buffers)

    def fill(self, *rows: KeysAndValues) -> None:
        """Start with copies of these, one below the other and aligned at their last column."""
        first = rows[0][0]
        self.dtype, self.device = first.dtype, first.device
        keys, values = zip(*rows, strict=True)
        self._copy_in(keys, values)
        self.truncate(max(keys.shape[-2] for keys, _ in rows))
        self.is_initialized = True

    def _copy_in(self, keys: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        """Copy rows into buffers."""
        self._buffers = tuple(stacked(part, room=SPARE) for part in (keys, values))

    def _hold(self, keys: Tensor, values: Tensor, room: int = 0) -> None:
        """Move what there is into buffers with `room` for more columns."""
        filled = keys.shape[-2]
        self._buffers = tuple(_with_room(states, room) for states in (keys, values))
        self.truncate(filled)


def _with_room(states: Tensor, room: int) -> Tensor:
    rows, heads, filled, size = states.shape
    buffer = states.new_empty(rows, heads, filled + room, size)
    buffer[:, :, :filled] = states
    return buffer


class KvCache(Cache):
    """The keys and values that a forward pass reads and appends to."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=GrowingLayer)

    @classmethod
    def beginning_with(cls, sequence: KeyValues) -> KvCache:
        """Build the cache of one row that has been computed before; it is copied."""
        cache = cls()
        for keys, values in sequence:
            layer = GrowingLayer()  # type: ignore[no-untyped-call]
            layer.fill((keys, values))
            cache.layers.append(layer)
        return cache

    @property
    def columns(self) -> int:
        """Tokens of the longest row."""
        return int(self.get_seq_length())

    @property
    def filled(self) -> list[GrowingLayer]:
        """The layers that hold something; some models share a layer's keys with others."""
        return [
            layer
            for layer in self.layers
            if isinstance(layer, GrowingLayer) and layer.is_initialized
        ]

    def truncate(self, columns: int) -> None:
        """Forget the columns beyond."""
        for layer in self.filled:
            layer.truncate(columns)

    def sequence(self, row: int, start: int) -> KeyValues:
        """Return one row from its first column on, without copying it."""
        own = slice(row, row + 1)
        return [(layer.keys[own, :, start:], layer.values[own, :, start:]) for layer in self.filled]

    def join(self, other: KvCache) -> None:
        """Add the rows of another cache below, all aligned at the newest column."""
        for own, new in zip(self.filled, other.filled, strict=True):
            own.fill((own.keys, own.values), (new.keys, new.values))

    def select(self, rows: Sequence[int], start: int) -> None:
        """Keep some rows, and of those the columns from `start` on."""
        for layer in self.filled:
            keys, values = layer.keys[:, :, start:], layer.values[:, :, start:]
            layer.fill(*((keys[row : row + 1], values[row : row + 1]) for row in rows))


def stacked(parts: Sequence[Tensor], room: int) -> Tensor:
    """Copy rows into one buffer with room for more columns; empty ones come first, as zeros.

    Nothing attends to them, but what is no number would spread all the same.
    """
    rows = sum(part.shape[0] for part in parts)
    columns = max(part.shape[-2] for part in parts)
    _, heads, _, size = parts[0].shape
    buffer = parts[0].new_empty(rows, heads, columns + room, size)
    first = 0
    for part in parts:
        own = buffer[first : first + part.shape[0]]
        begins = columns - part.shape[-2]
        own[:, :, :begins] = 0
        own[:, :, begins:columns] = part
        first += part.shape[0]
    return buffer
