"""What the prefix cache evicts is freed at once, without Python's garbage collector."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import torch

from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.decoding.kv_cache import Buffer, BufferSlice, sequence_bytes
from vlm_demo.engines.local.decoding.prefix_cache import PrefixCache


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_what_is_evicted_is_freed_at_once(no_garbage_collector: None) -> None:
    def keep(token: int) -> weakref.ref[Buffer]:
        buffer = Buffer(torch.zeros(1, 1, 8, 4), torch.zeros(1, 1, 8, 4), 8)
        cache.keep([token, 1, 2, 3], (), [BufferSlice(buffer, 4)])
        return weakref.ref(buffer)

    one = [BufferSlice(Buffer(torch.zeros(1, 1, 8, 4), torch.zeros(1, 1, 8, 4), 8), 4)]
    cache = PrefixCache(CacheBudget(2 * sequence_bytes(one)))
    first, second, third = keep(1), keep(2), keep(3)
    assert first() is None
    assert second() is not None
    assert third() is not None
    cache.clear()
    assert second() is None
    assert third() is None
