"""Pictures made ready for a model, kept for the next question about them."""

from __future__ import annotations

import copy
from hashlib import blake2b
from typing import Any

import torch
from PIL.Image import Image

from vlm_demo.engines.cache_budget import CacheBudget, Kept

Digests = tuple[bytes, ...]
"""One for each picture of a prompt, in order."""


def digest(image: Image) -> bytes:
    """Tell pictures apart by what they show."""
    shown = blake2b(f"{image.mode} {image.size}".encode(), digest_size=16)
    shown.update(image.tobytes())
    return shown.digest()


def bytes_of(output: Any) -> int:
    """Size of all tensors in what a model or processor returned."""
    if isinstance(output, torch.Tensor):
        return output.nbytes
    if isinstance(output, dict):
        return sum(map(bytes_of, output.values()))
    return sum(map(bytes_of, output)) if isinstance(output, tuple | list) else 0


class Remembered:
    """Keeps what was computed from pictures alone, by the pictures of the request.

    A request may need several results; they are told apart by their order.
    """

    def __init__(self, budget: CacheBudget) -> None:
        self._budget = budget
        self._kept: dict[Any, tuple[Any, Kept]] = {}
        self.pictures: Digests = ()  # those that are shown
        self._calls = 0

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(kept.size for _, kept in list(self._kept.values()))

    def show(self, pictures: Digests) -> None:
        """Say which pictures come next; (): ones that are not to be remembered."""
        self.pictures, self._calls = pictures, 0

    def result(self, compute: Any, *args: Any, **kwargs: Any) -> tuple[Any, bool]:
        """Return what `compute` makes of the pictures, and whether it was remembered."""
        if not self.pictures:
            return compute(*args, **kwargs), False
        key = (self.pictures, self._calls)
        self._calls += 1
        if known := self._kept.get(key):
            self._budget.touch(known[1])
            return known[0], True
        result = compute(*args, **kwargs)
        kept = Kept(bytes_of(result), lambda: self._forget(key))
        self._kept[key] = result, kept
        if not self._budget.keep(kept):
            self._forget(key)
        return result, False

    def clear(self) -> None:
        """Forget everything."""
        for _, kept in list(self._kept.values()):
            self._budget.drop(kept)
        self._kept.clear()

    def _forget(self, key: Any) -> None:
        self._kept.pop(key, None)


class RememberingProcessor:
    """Stands in for a checkpoint's picture processor."""

    def __init__(self, processor: Any, remembered: Remembered) -> None:
        self._processor = processor
        self._remembered = remembered

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pictures' tensors; the caller may take some out, so it is given a copy."""
        result, _ = self._remembered.result(self._processor, *args, **kwargs)
        return copy.copy(result)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(self._processor, memo)  # a copy, to be saved, remembers nothing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)
