"""The memory of a KV cache in fixed shapes."""

from __future__ import annotations

import torch

from vlm_demo.engines.local.decoding.fixed_cache import FixedMemory, round_up_columns, round_up_rows


def test_memory_stays_where_it_is_until_more_is_needed() -> None:
    memory = FixedMemory()
    first = memory.zeros((2, 3), like=torch.ones(1))
    first += 7
    smaller = memory.zeros((1, 4), like=torch.ones(1))
    assert smaller.data_ptr() == first.data_ptr()
    assert smaller.tolist() == [[0, 0, 0, 0]]  # nothing is left of what was there
    assert memory.moves == 1
    memory.zeros((5, 5), like=torch.ones(1))
    assert memory.moves == 2


def test_shapes_are_few_and_little_is_wasted() -> None:
    assert [round_up_rows(rows) for rows in (1, 2, 3, 4, 5, 8, 9)] == [1, 2, 4, 4, 8, 8, 16]
    assert round_up_columns(1) == round_up_columns(256) == 256
    assert round_up_columns(600) == 768
    for columns in range(1, 40_000, 37):
        assert columns <= round_up_columns(columns) <= max(256, columns * 1.25 + 256)
    assert len({round_up_columns(columns) for columns in range(1, 32_768)}) <= 32
