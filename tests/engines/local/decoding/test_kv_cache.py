"""Keys and values in buffers that sequences share as far as they are alike."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from vlm_demo.engines.local.decoding import kv_cache
from vlm_demo.engines.local.decoding.fixed_cache import FixedLayer
from vlm_demo.engines.local.decoding.kv_cache import KvCache, sequence_bytes, truncate_sequence

LAYERS = 2


def states(*tokens: float, rows: int = 1) -> Tensor:
    """One head of size 2 for each token, whose numbers are the token's."""
    return torch.tensor(tokens).view(1, 1, -1, 1).expand(rows, 1, -1, 2).clone()


def append(cache: KvCache, *tokens: float) -> None:
    for layer in range(LAYERS):
        cache.update(states(*tokens), -states(*tokens), layer)


def held(cache: KvCache) -> list[float]:
    """The tokens in a cache of one row, which all layers agree on."""
    assert all(len(layer.keys) == 1 for layer in cache.active_layers)
    (first, *others) = [
        (layer.keys[0, 0, :, 0].tolist(), layer.values[0, 0, :, 1].tolist())
        for layer in cache.active_layers
    ]
    assert all(other == first for other in others)
    assert [-number for number in first[1]] == first[0]
    return first[0]


def memory(cache: KvCache) -> list[int]:
    return [layer.buffer.keys.data_ptr() for layer in cache.active_layers]


def test_what_goes_on_is_not_copied_and_what_branches_off_is() -> None:
    cache = KvCache()
    append(cache, 1, 2, 3)
    kept = cache.sequence()
    going_on = KvCache.from_sequence(kept)
    other = KvCache.from_sequence(kept)
    earlier = KvCache.from_sequence(truncate_sequence(kept, 2))
    append(going_on, 4, 5)
    append(other, 6)
    append(earlier, 7)
    append(going_on, 8)
    assert held(going_on) == [1, 2, 3, 4, 5, 8]
    assert held(other) == [1, 2, 3, 6]
    assert held(earlier) == [1, 2, 7]
    assert held(KvCache.from_sequence(kept)) == held(cache) == [1, 2, 3]
    assert memory(going_on) == memory(cache)
    assert not set(memory(other) + memory(earlier)) & set(memory(cache))


def test_the_one_that_was_there_first_gives_way_when_it_goes_on_later() -> None:
    cache = KvCache()
    append(cache, 1, 2)
    other = KvCache.from_sequence(cache.sequence())
    append(other, 3)
    append(cache, 4)
    assert (held(cache), held(other)) == ([1, 2, 4], [1, 2, 3])


def test_a_step_that_failed_is_taken_back_and_written_anew() -> None:
    cache = KvCache()
    append(cache, 1, 2)
    cache.update(states(3), -states(3), 0)  # and then the second layer failed
    cache.truncate(2)
    before = memory(cache)
    append(cache, 4)
    assert held(cache) == [1, 2, 4]
    assert memory(cache) == before


def test_room_is_made_when_it_ends() -> None:
    cache = KvCache()
    append(cache, 0)
    for number in range(1, 500):
        append(cache, number)
    assert held(cache) == list(range(500))


def test_a_row_of_several_is_copied_with_room_to_go_on() -> None:
    one, other = KvCache(), KvCache()
    append(one, 1, 2, 3)
    append(other, 9)
    one.append_rows(other)  # both end at the same column
    kept = one.copy_row(1, 2)
    assert sequence_bytes(kept) > 0
    again = KvCache.from_sequence(kept)
    append(again, 8)
    assert held(again) == [9, 8]
    assert held(KvCache.from_sequence(kept)) == [9]
    assert again.active_layers[0].buffer is kept[0].buffer


def test_rows_leave_without_taking_memory() -> None:
    cache, others = KvCache(), [KvCache(), KvCache()]
    append(cache, 1, 2, 3, 4)
    append(others[0], 8)
    append(others[1], 5, 6)
    for other in others:
        cache.append_rows(other)
    before = memory(cache)
    cache.keep_rows([1, 2], start=2)
    assert [layer.keys[:, 0, :, 0].tolist() for layer in cache.active_layers] == [
        [[0, 8], [5, 6]]
    ] * 2
    cache.keep_rows([1], start=0)
    append(cache, 7)
    assert held(cache) == [5, 6, 7]
    assert all(abs(now - then) < 1000 for now, then in zip(memory(cache), before, strict=True))


@pytest.mark.parametrize("longer", [True, False])
def test_a_cache_that_another_could_not_join_is_as_it_was(
    monkeypatch: pytest.MonkeyPatch, longer: bool
) -> None:
    one, other = KvCache(), KvCache()
    append(one, 1, 2, 3)
    append(other, *(range(9, 4, -1) if longer else [9]))
    copies = iter((kv_cache.copy_rows, None))  # memory for one layer

    def short_of_memory(*args: Any, **options: Any) -> Any:
        if (copy := next(copies)) is None:
            raise torch.OutOfMemoryError
        return copy(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(kv_cache, "copy_rows", short_of_memory)
        with pytest.raises(torch.OutOfMemoryError):
            one.append_rows(other)
    assert held(one) == [1, 2, 3]
    append(one, 4)
    assert held(one) == [1, 2, 3, 4]


def test_rows_in_memory_that_stays_in_place_are_selected_there() -> None:
    layer = FixedLayer(torch.zeros(1, dtype=torch.long))
    layer.start_with_copies((states(1, 2, 3), -states(1, 2, 3)), (states(9), -states(9)))
    layer.keep_rows([0], 1)
    assert layer.keys[:, 0, :, 0].tolist() == [[2, 3]]
    assert layer.values[:, 0, :, 0].tolist() == [[-2, -3]]
    assert layer.memories[0].moves == 1
