"""A prefix cache: keys and values of earlier prompts and answers, by their tokens and images.

What a model computes for a token depends only on the tokens before it and the images among them. So
everything up to the first different token can be reused: earlier turns of a conversation, even
after an edit, and an image that several tasks, tabs or people ask about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from threading import Lock

import numpy as np

from vlm_demo.engines.cache_budget import CacheBudget, CachedItem
from vlm_demo.engines.local.decoding.kv_cache import (
    SequenceKeyValues,
    sequence_bytes,
    truncate_sequence,
)
from vlm_demo.engines.local.inputs.image_cache import ImageDigests


class _CachedPrefix(CachedItem):
    __slots__ = ("sequence", "tokens")

    def __init__(
        self, owner: PrefixCache, images: ImageDigests, tokens: np.ndarray, kv: SequenceKeyValues
    ):
        super().__init__(sequence_bytes(kv), partial(owner._forget, images))
        self.tokens = tokens
        self.sequence = kv


class PrefixCache:
    """Keeps sequences within a budget; used by the one thread that runs the model."""

    def __init__(self, budget: CacheBudget) -> None:
        self._budget = budget
        self._entries: dict[ImageDigests, list[_CachedPrefix]] = {}
        self._lock = Lock()  # another model's thread may evict our entries

    @property
    def size(self) -> int:
        """Bytes in use."""
        return sum(entry.size for entry in self._all())

    def find(
        self, tokens: Sequence[int], images: ImageDigests, at_least: int
    ) -> SequenceKeyValues | None:
        """Return the longest cached prefix of a prompt, which never includes its last token.

        Args:
            tokens: of the whole prompt.
            images: of the whole prompt.
            at_least: fewest tokens with which a prefix is of use.
        """
        wanted = np.asarray(tokens[:-1], dtype=np.int64)
        with self._lock:
            candidates = list(self._entries.get(images, ()))
        candidates_by_length = [
            (_common_length(entry.tokens, wanted), entry) for entry in candidates
        ]
        length, best = max(candidates_by_length, key=lambda pair: pair[0], default=(0, None))
        if best is None or length < max(at_least, 1):
            return None
        self._budget.touch(best)
        return truncate_sequence(best.sequence, length)

    def keep(
        self, tokens: Sequence[int], images: ImageDigests, sequence: SequenceKeyValues
    ) -> None:
        """Keep a sequence, unless it is a prefix of one that is kept; drop prefixes of it."""
        entry = _CachedPrefix(self, images, np.asarray(tokens, dtype=np.int64), sequence)
        if entry.size > self._budget.limit:
            return
        with self._lock:
            group = self._entries.setdefault(images, [])
            covered = [old for old in group if _is_prefix(old.tokens, entry.tokens)]
            if not any(_is_prefix(entry.tokens, old.tokens) for old in group if old not in covered):
                group.append(entry)
            group[:] = [old for old in group if old not in covered]
            is_new = entry in group
        for old in covered:
            self._budget.remove(old)
        if is_new:
            self._budget.add(entry)

    def clear(self) -> None:
        """Forget everything."""
        for entry in self._all():
            self._budget.remove(entry)
        with self._lock:
            self._entries.clear()

    def _all(self) -> Iterator[_CachedPrefix]:
        with self._lock:
            groups = list(self._entries.values())
        for group in groups:
            yield from list(group)

    def _forget(self, images: ImageDigests, entry: _CachedPrefix) -> None:
        with self._lock:
            group = self._entries.get(images, [])
            if entry in group:
                group.remove(entry)
            if not group:
                self._entries.pop(images, None)


def _is_prefix(prefix: np.ndarray, whole: np.ndarray) -> bool:
    return _common_length(prefix, whole) == len(prefix)


def _common_length(some: np.ndarray, others: np.ndarray) -> int:
    """Return the length of the longest common prefix of two rows of tokens."""
    length = min(len(some), len(others))
    different = some[:length] != others[:length]
    return int(different.argmax()) if different.any() else length
