"""What a vision tower computed for a picture, kept for the next question about it.

For models whose prompts cannot be taken over in part. The tower is the dear part of a picture; it
does not read the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from vlm_demo.engines.budget import CacheBudget, Kept
from vlm_demo.engines.local.prefixes import Digests
from vlm_demo.engines.local.statistics import Statistics

TOWERS = ("vision_tower", "vision_model", "image_encoder")
"""How models of transformers call the module that sees pixels."""

_Key = tuple[Digests, int]  # pictures of the request; which call of the tower for them


class RememberedTower:
    """Stands in for the `forward` of a model's tower."""

    def __init__(self, model: Any, budget: CacheBudget, statistics: Statistics) -> None:
        self._budget = budget
        self._statistics = statistics
        self._kept: dict[_Key, tuple[Any, Kept]] = {}
        self._pictures: Digests = ()
        self._calls = 0
        tower = _tower_of(model)
        if tower is not None:
            self._compute = tower.forward
            tower.forward = self._forward

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(kept.size for _, kept in list(self._kept.values()))

    @contextmanager
    def showing(self, pictures: Digests) -> Iterator[None]:
        """Say which pictures the tower is about to see."""
        self._pictures, self._calls = pictures, 0
        try:
            yield
        finally:
            self._pictures = ()

    def clear(self) -> None:
        """Forget everything."""
        for _, kept in list(self._kept.values()):
            self._budget.drop(kept)
        self._kept.clear()

    def _forward(self, *args: Any, **kwargs: Any) -> Any:
        if not self._pictures:
            return self._compute(*args, **kwargs)
        key = (self._pictures, self._calls)
        self._calls += 1
        known = self._kept.get(key)
        self._statistics.picture(reused=known is not None)
        if known is not None:
            self._budget.touch(known[1])
            return known[0]
        output = self._compute(*args, **kwargs)
        kept = Kept(_bytes(output), lambda: self._forget(key))
        self._kept[key] = output, kept
        if not self._budget.keep(kept):
            self._forget(key)
        return output

    def _forget(self, key: _Key) -> None:
        self._kept.pop(key, None)


def _tower_of(model: Any) -> Any | None:
    modules = dict(model.named_modules())
    paths = (path for path in modules if path.rpartition(".")[2] in TOWERS)
    found = min(paths, key=len, default=None)  # the outermost
    return None if found is None else modules[found]


def _bytes(output: Any) -> int:
    if isinstance(output, torch.Tensor):
        return output.nbytes
    parts = output.values() if isinstance(output, dict) else output
    nested = isinstance(output, dict | tuple | list)
    return sum(map(_bytes, parts)) if nested else 0
