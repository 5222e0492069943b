"""Decode steps as CUDA graphs: a thousand small launches recorded once, then replayed by one.

A GPU computes one token faster than Python can tell it how. A graph spares Python that, but always
reads and writes the same memory in the same shapes
(https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). So here rows and columns of keys
and values are rounded up, their memory stays where it is, the place of the new column is a tensor,
and so is the mask that says what is empty. That much is the same on every device; recording itself
is for CUDA, and where it fails the model goes on without.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from math import prod
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.kv_cache import (
    SPARE,
    Buffer,
    GrowingLayer,
    KeysAndValues,
    KvCache,
    Stretch,
    copied,
)

LEAST_COLUMNS = 256
"""Columns are a multiple of this, and of an eighth of their number at least: few shapes to record,
and little that is computed for nothing."""

MOST_STEPS = 24
"""Recorded steps that are kept for a model; each holds some megabytes of the driver's memory."""

WARM_UP_STEPS = 2
"""Steps that run before one is recorded: libraries set themselves up in them."""

Compute = Callable[[], Tensor]
"""Computes logits from tensors that stay where they are, into a tensor that does."""

log = logging.getLogger(__name__)


def rounded_rows(rows: int) -> int:
    """Return the next power of two."""
    return 1 << (rows - 1).bit_length()


def rounded_columns(columns: int) -> int:
    """Return the columns of a buffer that has room for so many."""
    step = max(LEAST_COLUMNS, 1 << max(columns.bit_length() - 3, 0))
    return -(-columns // step) * step


class Memory:
    """Memory that stays where it is until more of it is needed."""

    def __init__(self) -> None:
        self.moves = 0
        self._cells: Tensor | None = None

    def shaped(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Return it as zeros of a shape; what was returned before is lost.

        Empty columns must hold numbers: even with a weight of nothing, NaN stays NaN.
        """
        needed = prod(shape)
        if self._cells is None or needed > len(self._cells):
            self._cells = like.new_empty(needed + needed // 2)
            self.moves += 1
        return self._cells[:needed].view(shape).zero_()


class FixedLayer(GrowingLayer):
    """A layer whose buffers are read whole, and written at one place."""

    def __init__(self, place: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.memories = (Memory(), Memory())
        self._place = place  # the column that the next step writes, (1,)
        self._rows = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the buffers."""
        rows, _, columns, _ = self.buffer.keys.shape
        return rows, columns

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Write one column; return whole buffers, of which a mask says what counts."""
        self.buffer.keys.index_copy_(2, self._place, key_states)
        self.buffer.values.index_copy_(2, self._place, value_states)
        return self.buffer.keys, self.buffer.values

    def truncate(self, columns: int) -> None:
        """Fill exactly so many columns; those beyond are forgotten, or were written just now."""
        keys, values = self.buffer.first(columns)
        self.keys, self.values = keys[: self._rows], values[: self._rows]

    def fill(self, *rows: KeysAndValues) -> None:
        """Start with copies of these, some of which may stand in this layer's own memory."""
        rows_apart = copied(rows, room=0)
        self._rows = len(rows_apart.keys)
        states = (rows_apart.keys, rows_apart.values)
        keys, values = map(self._laid_out, self.memories, states)
        self.begin(Stretch(Buffer(keys, values, rows_apart.written), rows_apart.written))
        self.truncate(rows_apart.written)

    def select(self, rows: Sequence[int], start: int) -> None:
        """Keep some rows, and of those the columns from `start` on, in as small a shape."""
        keys, values = self.keys[:, :, start:], self.values[:, :, start:]
        self.fill(*((keys[row : row + 1], values[row : row + 1]) for row in rows))

    def _laid_out(self, memory: Memory, states: Tensor) -> Tensor:
        rows, heads, filled, size = states.shape
        shape = (rounded_rows(rows), heads, rounded_columns(filled + SPARE), size)
        buffer = memory.shaped(shape, like=states)
        buffer[:rows, :, :filled] = states
        return buffer


class FixedCache(KvCache):
    """Keys and values for steps in fixed shapes; used for one batch after the other."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.place = torch.zeros(1, dtype=torch.long, device=device)
        self._fixed: list[FixedLayer] = []

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the buffers, alike in all layers."""
        return self._fixed[0].shape

    @property
    def moves(self) -> int:
        """How often memory was moved; what was recorded before must not be replayed."""
        return sum(memory.moves for layer in self._fixed for memory in layer.memories)

    def take(self, cache: KvCache) -> None:
        """Begin with what another cache holds."""
        if not self._fixed:
            self._fixed = [FixedLayer(self.place) for _ in cache.filled]
            self.layers = [*self._fixed]
        for own, new in zip(self._fixed, cache.filled, strict=True):
            own.fill((new.keys, new.values))

    def make_room(self) -> None:
        """Have room for a column."""
        if self.columns < self.shape[1]:
            return
        for layer in self._fixed:
            layer.fill((layer.keys, layer.values))


class FixedStep:
    """A step for one shape of the cache. What differs from step to step is set beforehand."""

    def __init__(self, decoder: Decoder, cache: FixedCache) -> None:
        rows, self._columns = cache.shape
        self._decoder = decoder
        self._cache = cache
        self._tokens, self._positions, self._starts = (
            torch.zeros(rows, 1, dtype=torch.long, device=decoder.device) for _ in range(3)
        )
        self.replay: Compute | None = None

    def set(self, tokens: Tensor, counts: Tensor, positions: Tensor) -> None:
        """Set what `compute` reads; see `Decoder.step`. Rows too many see one column only."""
        rows, newest = len(tokens), self._cache.columns
        self._cache.place.fill_(newest)
        self._starts.fill_(newest)
        self._starts[:rows] -= counts
        self._tokens[:rows] = tokens
        self._positions[:rows] = positions

    def compute(self) -> Tensor:
        """Write a column and return logits (rows of the shape, vocabulary)."""
        return self._decoder.run(
            self._tokens,
            self._decoder.step_positions(self._positions),
            self._cache,
            self._decoder.mask(self._starts, self._cache.place, self._columns),
        )


class GraphedDecoder(Decoder):
    """Runs prompts as another decoder does, and steps from recordings."""

    def __init__(self, decoder: Decoder, record: Callable[[Compute], Compute]) -> None:
        self._decoder = decoder
        self._record = record
        self._can_record = True
        self._cache = FixedCache(decoder.device)
        self._steps: dict[tuple[int, int], FixedStep] = {}  # by shape; the oldest first
        self._moves = 0  # of the cache's memory, when they were recorded

    @property
    def device(self) -> torch.device:
        return self._decoder.device

    def prefill(self, inputs: Mapping[str, Tensor], cache: KvCache) -> tuple[Tensor, int]:
        return self._decoder.prefill(inputs, cache)

    def held(self, cache: KvCache) -> KvCache:
        if not self._can_record:
            return cache
        self._cache.take(cache)
        return self._cache

    def step(self, tokens: Tensor, counts: Tensor, ahead: Tensor, cache: KvCache) -> Tensor:
        if not isinstance(cache, FixedCache):
            return self._decoder.step(tokens, counts, ahead, cache)
        cache.make_room()
        step = self._step(cache)
        step.set(tokens, counts, counts + ahead)
        if step.replay is None:
            step.replay = self._recorded(step.compute)
        logits = step.replay()
        cache.truncate(cache.columns + 1)
        return logits[: len(tokens)]

    def release(self) -> None:
        self._cache = FixedCache(self.device)
        self._steps.clear()
        self._moves = 0

    def _step(self, cache: FixedCache) -> FixedStep:
        if cache.moves != self._moves:
            self._steps.clear()
            self._moves = cache.moves
        step = self._steps.get(cache.shape)
        if step is None:
            if len(self._steps) == MOST_STEPS:
                del self._steps[next(iter(self._steps))]
            step = self._steps[cache.shape] = FixedStep(self._decoder, cache)
        return step

    def _recorded(self, compute: Compute) -> Compute:
        """Record a step; where that fails, return it as it is and try no more."""
        if not self._can_record:
            return compute
        try:
            return self._record(compute)
        except Exception as error:  # whatever a driver or a model's own code has against it
            log.warning("This model's steps are not recorded as CUDA graphs: %s", error)
            self._can_record = False
            return compute


class CudaGraphs:
    """Records on one GPU. Recordings of one model share their working memory: none overlap."""

    _recording = Lock()  # one at a time in the whole program

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, compute: Compute) -> Compute:
        with self._recording, torch.cuda.device(self._device):
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP_STEPS):
                    compute()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            # Other models' threads may use the GPU meanwhile; the rules are for this one only.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"
            ):
                output = compute()

        def replay() -> Tensor:
            graph.replay()
            return output

        return replay
