"""Keys and values of earlier prompts and answers, found again by their tokens and pictures.

What a model computes for a token depends only on the tokens before it, and on the pictures that
stand among them. So everything up to the first different token can be taken over: the earlier turns
of a conversation, also after an edit, and a picture that several tasks, tabs or people ask about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Lock

import numpy as np

from vlm_demo.engines.cache_budget import CacheBudget, Kept
from vlm_demo.engines.local.decoding.kv_cache import KeyValues, shortened, size_of
from vlm_demo.engines.local.inputs.pictures import Digests


class _Entry(Kept):
    __slots__ = ("sequence", "tokens")

    def __init__(self, owner: PrefixCache, pictures: Digests, tokens: np.ndarray, kv: KeyValues):
        super().__init__(size_of(kv), lambda: owner._forget(pictures, self))
        self.tokens = tokens
        self.sequence = kv


class PrefixCache:
    """Keeps sequences within a budget; used by the one thread that runs the model."""

    def __init__(self, budget: CacheBudget) -> None:
        self._budget = budget
        self._entries: dict[Digests, list[_Entry]] = {}
        self._lock = Lock()  # another model's thread may make us forget

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(entry.size for entry in self._all())

    def find(self, tokens: Sequence[int], pictures: Digests, at_least: int) -> KeyValues | None:
        """Return the longest known beginning of a prompt; its last token is never part of it.

        Args:
            tokens: of the whole prompt.
            pictures: of the whole prompt.
            at_least: tokens that a beginning must have to be of use.
        """
        wanted = np.asarray(tokens[:-1], dtype=np.int64)
        with self._lock:
            candidates = list(self._entries.get(pictures, ()))
        shared = [(_shared(entry.tokens, wanted), entry) for entry in candidates]
        length, best = max(shared, key=lambda found: found[0], default=(0, None))
        if best is None or length < max(at_least, 1):
            return None
        self._budget.touch(best)
        return shortened(best.sequence, length)

    def keep(self, tokens: Sequence[int], pictures: Digests, sequence: KeyValues) -> None:
        """Keep a sequence unless it is the beginning of one that is kept; drop its beginnings."""
        entry = _Entry(self, pictures, np.asarray(tokens, dtype=np.int64), sequence)
        if entry.size > self._budget.limit:
            return
        with self._lock:
            group = self._entries.setdefault(pictures, [])
            covered = [old for old in group if _begins(old.tokens, entry.tokens)]
            if not any(_begins(entry.tokens, old.tokens) for old in group if old not in covered):
                group.append(entry)
            group[:] = [old for old in group if old not in covered]
            is_new = entry in group
        for old in covered:
            self._budget.drop(old)
        if is_new:
            self._budget.keep(entry)

    def clear(self) -> None:
        """Forget everything."""
        for entry in self._all():
            self._budget.drop(entry)
        with self._lock:
            self._entries.clear()

    def _all(self) -> Iterator[_Entry]:
        with self._lock:
            groups = list(self._entries.values())
        for group in groups:
            yield from list(group)

    def _forget(self, pictures: Digests, entry: _Entry) -> None:
        with self._lock:
            group = self._entries.get(pictures, [])
            if entry in group:
                group.remove(entry)
            if not group:
                self._entries.pop(pictures, None)


def _begins(beginning: np.ndarray, whole: np.ndarray) -> bool:
    return _shared(beginning, whole) == len(beginning)


def _shared(some: np.ndarray, others: np.ndarray) -> int:
    """Length of the beginning that two rows of tokens have in common."""
    length = min(len(some), len(others))
    different = some[:length] != others[:length]
    return int(different.argmax()) if different.any() else length
