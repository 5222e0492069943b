"""References to regions in a person's words, as in "What is [1]?"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_REFERENCE = re.compile("[\\[\uff3b]([0-9\uff10-\uff19]{1,3})[\\]\uff3d]")
"""[1], also in the wide characters of Japanese and Chinese keyboards."""

AppendNames = Callable[[str, Sequence[str]], str]
"""Appends the names of regions to words that do not hold them."""


def has_region_reference(text: str) -> bool:
    """Whether words refer to a region, as in "What is [1]?"."""
    return _REFERENCE.search(text) is not None


def replace_references(text: str, names: Sequence[str], append: AppendNames | None) -> str:
    """Put the names of regions in place of [1], [2] and so on.

    A number without a region stays. Regions that the words do not refer to are appended, unless
    `append` is None.
    """
    unused = dict(enumerate(names, 1))

    def name_of(match: re.Match[str]) -> str:
        number = int(match[1])
        if not 1 <= number <= len(names):
            return match[0]
        unused.pop(number, None)
        return names[number - 1]

    replaced = _REFERENCE.sub(name_of, text)
    return append(replaced, list(unused.values())) if unused and append else replaced
