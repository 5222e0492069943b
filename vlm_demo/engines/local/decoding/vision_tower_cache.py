"""Caches what a vision tower computes, for the next question about the same images.

It serves models whose prompts cannot reuse keys and values. The tower is the expensive part of an
image, and it does not read the prompt.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.checkpoints.vision_tower import find_vision_tower
from vlm_demo.engines.local.counters import Statistics
from vlm_demo.engines.local.inputs.image_cache import ImageDigests, ImageResultCache


class CachedVisionTower:
    """Replaces the `forward` of a model's vision tower."""

    def __init__(self, model: Any, budget: CacheBudget, statistics: Statistics) -> None:
        self._statistics = statistics
        self._cache = ImageResultCache(budget)
        tower = find_vision_tower(model)
        if tower is not None:
            self._compute = tower.forward
            tower.forward = self._forward

    @property
    def size(self) -> int:
        """Bytes in use."""
        return self._cache.size

    @contextmanager
    def use_images(self, images: ImageDigests) -> Iterator[None]:
        """Use the cache for images that the tower is about to see."""
        self._cache.use_images(images)
        try:
            yield
        finally:
            self._cache.use_images(())

    def clear(self) -> None:
        """Drop everything."""
        self._cache.clear()

    def _forward(self, *args: Any, **kwargs: Any) -> Any:
        output, reused = self._cache.get_or_compute(self._compute, *args, **kwargs)
        if self._cache.images:
            self._statistics.count_image(reused=reused)
        return copy.copy(output)  # models of transformers 5 write into what a tower returns
