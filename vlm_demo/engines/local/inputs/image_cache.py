"""Caches what is computed from images alone, for the next question about them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import torch
from PIL.Image import Image

from vlm_demo.engines.cache_budget import CacheBudget, CachedItem

ImageDigests = tuple[bytes, ...]
"""A digest of each image of a prompt, in order."""


def digest_image(image: Image, options: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """Return a digest of an image's mode, size and pixels, and how a processor is to see it."""
    described = f"{image.mode} {image.size} {sorted(options.items())}"
    content = blake2b(described.encode(), digest_size=16)
    content.update(image.tobytes())
    return content.digest()


def tensor_bytes(output: Any) -> int:
    """Return the bytes of all tensors in what a model or processor returned."""
    if isinstance(output, torch.Tensor):
        return output.nbytes
    if isinstance(output, dict):
        return sum(map(tensor_bytes, output.values()))
    return sum(map(tensor_bytes, output)) if isinstance(output, tuple | list) else 0


class ImageResultCache:
    """Caches what was computed from images alone, by the images of the request.

    A request may need several results, which are told apart by their order.
    """

    def __init__(self, budget: CacheBudget) -> None:
        self._budget = budget
        self._results: dict[Any, tuple[Any, CachedItem]] = {}
        self.images: ImageDigests = ()  # those in use
        self._calls = 0

    @property
    def size(self) -> int:
        """Bytes in use."""
        return sum(item.size for _, item in list(self._results.values()))

    def use_images(self, images: ImageDigests) -> None:
        """Say which images the next calls are about; (): do not cache."""
        self.images, self._calls = images, 0

    def get_or_compute(self, compute: Any, *args: Any, **kwargs: Any) -> tuple[Any, bool]:
        """Return what `compute` makes of the images, and whether it came from the cache."""
        if not self.images:
            return compute(*args, **kwargs), False
        key = (self.images, self._calls)
        self._calls += 1
        if known := self._results.get(key):
            result, item = known
            self._budget.touch(item)
            return result, True
        result = compute(*args, **kwargs)
        item = CachedItem(tensor_bytes(result), lambda _: self._drop(key))
        self._results[key] = result, item
        if not self._budget.add(item):
            self._drop(key)
        return result, False

    def clear(self) -> None:
        """Drop everything."""
        for _, item in list(self._results.values()):
            self._budget.remove(item)
        self._results.clear()

    def _drop(self, key: Any) -> None:
        self._results.pop(key, None)


class CachedImageProcessor:
    """Replaces a checkpoint's image processor by one with a cache."""

    def __init__(self, processor: Any, cache: ImageResultCache) -> None:
        self._processor = processor
        self._cache = cache

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the images' tensors, in a copy, as the caller may take some out."""
        result, _ = self._cache.get_or_compute(self._processor, *args, **kwargs)
        return copy.copy(result)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self._processor, memo)  # a copy, made for saving, needs no cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)
