"""The KV cache of a batch of sequences, in buffers that grow step by step without being copied.

The `DynamicCache` of transformers copies everything at every token. Here a layer has spare columns,
and a step writes one of them. Rows are aligned at their newest column; shorter rows start later,
and an attention mask says where.

A column that has been written never changes, so sequences share a buffer as far as they are alike.
The first one that continues writes into the spare columns; any other that continues moves to a
buffer of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

LayerKeyValues = tuple[Tensor, Tensor]
"""Keys and values of one layer, each (rows, heads, tokens, head size)."""

MIN_SPARE_COLUMNS = 64
"""Fewest spare columns for tokens to come; a longer sequence has more."""


def spare_columns(columns: int) -> int:
    """Return how many spare columns are worth having behind so many columns."""
    return max(MIN_SPARE_COLUMNS, columns // 4)


@dataclass(slots=True, eq=False, weakref_slot=True)
class Buffer:
    """Memory for one layer's keys and values, each (rows, heads, columns, head size)."""

    keys: Tensor
    values: Tensor
    used: int  # columns; the others are spare

    @property
    def columns(self) -> int:
        """Number of columns, used or spare."""
        return self.keys.shape[-2]

    def first(self, columns: int) -> LayerKeyValues:
        """Return the first columns, without copying them."""
        return self.keys[:, :, :columns], self.values[:, :, :columns]


@dataclass(frozen=True, slots=True)
class BufferSlice:
    """What one sequence uses of a layer: the first columns of a buffer of one row."""

    buffer: Buffer
    columns: int


SequenceKeyValues = Sequence[BufferSlice]
"""Keys and values of one sequence, layer by layer."""


def sequence_bytes(sequence: SequenceKeyValues) -> int:
    """Return the bytes that a sequence holds, spare columns included."""
    return sum(part.buffer.keys.nbytes + part.buffer.values.nbytes for part in sequence)


def truncate_sequence(sequence: SequenceKeyValues, tokens: int) -> SequenceKeyValues:
    """Return the first tokens of a sequence, without copying them."""
    return [replace(part, columns=tokens) for part in sequence]


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer: `keys` and `values` are the used part (rows, heads, columns, head size)."""

    keys: Tensor
    values: Tensor
    buffer: Buffer

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.start_from(BufferSlice(Buffer(key_states[:, :, :0], value_states[:, :, :0], 0), 0))

    def start_from(self, part: BufferSlice) -> None:
        """Start with what a sequence has, without copying it."""
        self.buffer = part.buffer
        self.dtype, self.device = self.buffer.keys.dtype, self.buffer.keys.device
        self.keys, self.values = self.buffer.first(part.columns)
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Append columns; return all keys and values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.keys.shape[-2]
        end = start + key_states.shape[-2]
        if end > self.buffer.columns or start < self.buffer.used:
            self.buffer = copy_rows(
                [(self.keys, self.values)], room=end - start + spare_columns(end)
            )
        self.buffer.keys[:, :, start:end] = key_states
        self.buffer.values[:, :, start:end] = value_states
        self.buffer.used = end
        self.keys, self.values = self.buffer.first(end)
        return self.keys, self.values

    def truncate(self, columns: int) -> None:
        """Drop later columns, which no other sequence may use."""
        if self.buffer.used == self.keys.shape[-2]:
            self.buffer.used = columns
        self.keys, self.values = self.buffer.first(columns)

    def keep_rows(self, rows: Sequence[int], start: int) -> None:
        """Keep some rows, in ascending order, and their columns from `start` on.

        This takes no memory: rows move up within the buffer, so no sequence may share it. The
        memory of dropped rows is freed when the buffer next moves, or the batch ends.
        """
        parts = self.buffer.keys, self.buffer.values
        for index, row in enumerate(rows):
            if index != row:
                for part in parts:
                    part[index] = part[row]
        keys, values = (part[: len(rows), :, start:] for part in parts)
        columns = self.keys.shape[-2] - start
        self.start_from(BufferSlice(Buffer(keys, values, columns), columns))

    def start_with_copies(self, *rows: LayerKeyValues) -> None:
        """Start with copies of some rows, aligned at their last column."""
        buffer = copy_rows(rows, room=MIN_SPARE_COLUMNS)
        self.start_from(BufferSlice(buffer, buffer.used))


class KvCache(Cache):
    """The keys and values that a forward pass reads and appends to."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=GrowingLayer)

    @classmethod
    def from_sequence(cls, sequence: SequenceKeyValues) -> KvCache:
        """Build a cache of one row that was computed before, without copying it."""
        cache = cls()
        for part in sequence:
            layer = GrowingLayer()  # type: ignore[no-untyped-call]
            layer.start_from(part)
            cache.layers.append(layer)
        return cache

    @property
    def columns(self) -> int:
        """Tokens of the longest row."""
        return int(self.get_seq_length())

    @property
    def active_layers(self) -> list[GrowingLayer]:
        """The layers that hold something; in some models, layers share the keys of others."""
        return [
            layer
            for layer in self.layers
            if isinstance(layer, GrowingLayer) and layer.is_initialized
        ]

    def truncate(self, columns: int) -> None:
        """Drop later columns."""
        for layer in self.active_layers:
            layer.truncate(columns)

    def sequence(self) -> SequenceKeyValues:
        """Return the only row, without copying it."""
        return [BufferSlice(layer.buffer, layer.keys.shape[-2]) for layer in self.active_layers]

    def copy_row(self, row: int, start: int) -> SequenceKeyValues:
        """Return a copy of one row from its first column on, with spare columns."""
        own = slice(row, row + 1)
        buffers = [
            copy_rows(
                [(layer.keys[own, :, start:], layer.values[own, :, start:])],
                room=spare_columns(layer.keys.shape[-2] - start),
            )
            for layer in self.active_layers
        ]
        return [BufferSlice(buffer, buffer.used) for buffer in buffers]

    def append_rows(self, other: KvCache) -> None:
        """Append the rows of another cache, all aligned at the newest column.

        If memory runs out at some layer, all layers are as they were before.
        """
        pairs = list(zip(self.active_layers, other.active_layers, strict=True))
        rows, before = len(pairs[0][0].keys), self.columns
        done: list[GrowingLayer] = []
        try:
            for own, new in pairs:
                own.start_with_copies((own.keys, own.values), (new.keys, new.values))
                done.append(own)
        except Exception:  # torch says in several ways that memory ran out
            for layer in done:
                layer.keep_rows(range(rows), layer.keys.shape[-2] - before)
            raise

    def keep_rows(self, rows: Sequence[int], start: int) -> None:
        """Keep some rows, in ascending order, and their columns from `start` on."""
        for layer in self.active_layers:
            layer.keep_rows(rows, start)


def copy_rows(rows: Sequence[LayerKeyValues], room: int) -> Buffer:
    """Copy rows into a buffer of their own, aligned at their last column."""
    keys, values = zip(*rows, strict=True)
    written = max(part.shape[-2] for part in keys)
    return Buffer(stack_rows(keys, room), stack_rows(values, room), written)


def stack_rows(parts: Sequence[Tensor], room: int) -> Tensor:
    """Copy rows into one buffer with room for more columns; empty columns come first, as zeros.

    Nothing attends to empty columns, but a NaN in them would spread all the same.
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
