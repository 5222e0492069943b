"""Decode steps as CUDA graphs: a thousand small launches recorded once, then replayed as one.

A GPU computes a token faster than Python can launch its operations. A graph removes that overhead,
but always reads and writes the same memory in the same shapes
(https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). So rows and columns of keys and
values are rounded up, their memory stays where it is, and both the index of the new column and the
mask of empty columns are tensors. All of this works on every device; only the recording needs CUDA,
and where it fails the model goes on without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Lock

import torch
from torch import Tensor

from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.fixed_cache import FixedCache
from vlm_demo.engines.local.decoding.kv_cache import KvCache

MAX_RECORDED_STEPS = 24
"""Most recorded steps that a model keeps; each holds some megabytes of the driver's memory."""

WARM_UP_STEPS = 2
"""Steps that run before one is recorded, in which libraries initialize themselves."""

Compute = Callable[[], Tensor]
"""Computes logits from tensors whose memory never moves, into another such tensor."""

log = logging.getLogger(__name__)


class FixedStep:
    """A step for one shape of the cache; whatever differs from step to step is set beforehand."""

    def __init__(self, decoder: Decoder, cache: FixedCache) -> None:
        rows, self._columns = cache.shape
        self._decoder = decoder
        self._cache = cache
        self._tokens, self._positions, self._starts = (
            torch.zeros(rows, 1, dtype=torch.long, device=decoder.device) for _ in range(3)
        )
        self.replay: Compute | None = None

    def set(self, tokens: Tensor, counts: Tensor, positions: Tensor) -> None:
        """Set what `compute` reads; see `Decoder.step`. Surplus rows attend to one column only."""
        rows, newest = len(tokens), self._cache.columns
        self._cache.write_column.fill_(newest)
        self._starts.fill_(newest)
        self._starts[:rows] -= counts
        self._tokens[:rows] = tokens
        self._positions[:rows] = positions

    def compute(self) -> Tensor:
        """Write a column and return logits (rows of the shape, vocabulary)."""
        return self._decoder.compute_logits(
            self._tokens,
            self._decoder.step_positions(self._positions),
            self._cache,
            self._decoder.mask(self._starts, self._cache.write_column, self._columns),
        )


class GraphedDecoder(Decoder):
    """Runs prompts with another decoder, and replays recorded steps."""

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

    def batch_cache(self, cache: KvCache) -> KvCache:
        if not self._can_record:
            return cache
        self._cache.copy_from(cache)
        return self._cache

    def step(self, tokens: Tensor, counts: Tensor, offsets: Tensor, cache: KvCache) -> Tensor:
        if not isinstance(cache, FixedCache):
            return self._decoder.step(tokens, counts, offsets, cache)
        cache.grow_if_full()
        step = self._step(cache)
        step.set(tokens, counts, counts + offsets)
        if step.replay is None:
            step.replay = self._record_step(step.compute)
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
            if len(self._steps) == MAX_RECORDED_STEPS:
                del self._steps[next(iter(self._steps))]
            step = self._steps[cache.shape] = FixedStep(self._decoder, cache)
        return step

    def _record_step(self, compute: Compute) -> Compute:
        """Record a step; where that fails, return it unrecorded and never try again."""
        if not self._can_record:
            return compute
        try:
            return self._record(compute)
        except Exception as error:  # whatever the driver or the model's own code raises
            log.warning("This model's steps are not recorded as CUDA graphs: %s", error)
            self._can_record = False
            return compute


class CudaGraphRecorder:
    """Records on one GPU. Graphs of one model share their working memory, as they never overlap."""

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
            # Other threads may use the GPU meanwhile; only this one is restricted.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"
            ):
                output = compute()

        def replay() -> Tensor:
            graph.replay()
            return output

        return replay
