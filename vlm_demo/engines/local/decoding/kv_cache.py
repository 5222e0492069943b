"""Keys and values of a batch of sequences, in buffers that grow by the step without being copied.

The `DynamicCache` of transformers copies everything at every token. Here a layer has room to spare
and a step writes one column. Rows are aligned at their newest column; those that are shorter begin
later, and an attention mask says where.

A column that has been written never changes, so sequences share a buffer as far as they are alike.
The first that goes on writes into the room behind; another one that does moves to a buffer of its
own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

KeysAndValues = tuple[Tensor, Tensor]
"""Of one layer, each (rows, heads, tokens, head size)."""

SPARE = 64
"""Columns of room for tokens to come; more as a sequence gets longer."""


def spare(columns: int) -> int:
    """Return the room that is worth having behind so many columns."""
    return max(SPARE, columns // 4)


@dataclass(slots=True, eq=False)
class Buffer:
    """Memory for one layer's keys and values, each (rows, heads, columns, head size)."""

    keys: Tensor
    values: Tensor
    written: int  # columns; the others are room

    @property
    def columns(self) -> int:
        """How many there are, written or not."""
        return self.keys.shape[-2]

    def first(self, columns: int) -> KeysAndValues:
        """Return the first columns, without copying them."""
        return self.keys[:, :, :columns], self.values[:, :, :columns]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one sequence has in a layer: the first columns of a buffer of one row."""

    buffer: Buffer
    columns: int


KeyValues = Sequence[Stretch]
"""Keys and values of one sequence, layer by layer."""


def size_of(sequence: KeyValues) -> int:
    """Bytes that a sequence holds, with the room behind it."""
    return sum(stretch.buffer.keys.nbytes + stretch.buffer.values.nbytes for stretch in sequence)


def shortened(sequence: KeyValues, tokens: int) -> KeyValues:
    """Return the first tokens of a sequence, without copying them."""
    return [replace(stretch, columns=tokens) for stretch in sequence]


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer: `keys` and `values` are the filled part (rows, heads, columns, head size)."""

    keys: Tensor
    values: Tensor
    buffer: Buffer

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.begin(Stretch(Buffer(key_states[:, :, :0], value_states[:, :, :0], 0), 0))

    def begin(self, stretch: Stretch) -> None:
        """Start with what a sequence has already, without copying it."""
        self.buffer = stretch.buffer
        self.dtype, self.device = self.buffer.keys.dtype, self.buffer.keys.device
        self.keys, self.values = self.buffer.first(stretch.columns)
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Append columns; return all keys and values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.keys.shape[-2]
        end = start + key_states.shape[-2]
        if end > self.buffer.columns or start < self.buffer.written:
            self.buffer = copied([(self.keys, self.values)], room=end - start + spare(end))
        self.buffer.keys[:, :, start:end] = key_states
        self.buffer.values[:, :, start:end] = value_states
        self.buffer.written = end
        self.keys, self.values = self.buffer.first(end)
        return self.keys, self.values

    def truncate(self, columns: int) -> None:
        """Forget the columns beyond, which nobody else may hold."""
        if self.buffer.written == self.keys.shape[-2]:
            self.buffer.written = columns
        self.keys, self.values = self.buffer.first(columns)

    def select(self, rows: Sequence[int], start: int) -> None:
        """Keep some rows, in ascending order, and of those the columns from `start` on.

        It needs no memory: rows move up where they are. Nobody may share them. That of the others
        is free when the buffer next moves, or the batch ends.
        """
        parts = self.buffer.keys, self.buffer.values
        for place, row in enumerate(rows):
            if place != row:
                for part in parts:
                    part[place] = part[row]
        keys, values = (part[: len(rows), :, start:] for part in parts)
        columns = self.keys.shape[-2] - start
        self.begin(Stretch(Buffer(keys, values, columns), columns))

    def fill(self, *rows: KeysAndValues) -> None:
        """Start with copies of these, one below the other and aligned at their last column."""
        buffer = copied(rows, room=SPARE)
        self.begin(Stretch(buffer, buffer.written))


class KvCache(Cache):
    """The keys and values that a forward pass reads and appends to."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=GrowingLayer)

    @classmethod
    def beginning_with(cls, sequence: KeyValues) -> KvCache:
        """Build the cache of one row that has been computed before, without copying it."""
        cache = cls()
        for stretch in sequence:
            layer = GrowingLayer()  # type: ignore[no-untyped-call]
            layer.begin(stretch)
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

    def sequence(self) -> KeyValues:
        """Return the only row, without copying it."""
        return [Stretch(layer.buffer, layer.keys.shape[-2]) for layer in self.filled]

    def copy_of(self, row: int, start: int) -> KeyValues:
        """Return a copy of one row from its first column on, with room to go on."""
        own = slice(row, row + 1)
        buffers = [
            copied(
                [(layer.keys[own, :, start:], layer.values[own, :, start:])],
                room=spare(layer.keys.shape[-2] - start),
            )
            for layer in self.filled
        ]
        return [Stretch(buffer, buffer.written) for buffer in buffers]

    def join(self, other: KvCache) -> None:
        """Add the rows of another cache below, all aligned at the newest column.

        If memory runs out at some layer, all are as they were before.
        """
        pairs = list(zip(self.filled, other.filled, strict=True))
        rows, before = len(pairs[0][0].keys), self.columns
        joined: list[GrowingLayer] = []
        try:
            for own, new in pairs:
                own.fill((own.keys, own.values), (new.keys, new.values))
                joined.append(own)
        except Exception:  # torch says in several ways that memory ran out
            for layer in joined:
                layer.select(range(rows), layer.keys.shape[-2] - before)
            raise

    def select(self, rows: Sequence[int], start: int) -> None:
        """Keep some rows, in ascending order, and of those the columns from `start` on."""
        for layer in self.filled:
            layer.select(rows, start)


def copied(rows: Sequence[KeysAndValues], room: int) -> Buffer:
    """Copy rows into a buffer of their own, aligned at their last column."""
    keys, values = zip(*rows, strict=True)
    written = max(part.shape[-2] for part in keys)
    return Buffer(stacked(keys, room), stacked(values, room), written)


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
