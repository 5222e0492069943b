"""Seeds for training, validation and testing, in ranges that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

Split = Literal["train", "validation", "test"]

RANGES: dict[Split, range] = {
    "train": range(0, 1 << 40),
    "validation": range(1 << 40, 2 << 40),
    "test": range(2 << 40, 3 << 40),
}


def scene_seeds(split: Split, seed: int) -> Iterator[int]:
    """Yield scene seeds of a split without end; another `seed` starts elsewhere in its range.

    Starts are 2**20 apart, so that two values of `seed` below 2**20 share no scene within as many.
    """
    seeds = RANGES[split]
    start = (seed % (1 << 20)) << 20
    offset = 0
    while True:
        yield seeds[(start + offset) % len(seeds)]
        offset += 1
