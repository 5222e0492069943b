"""How many characters two texts differ by."""

from __future__ import annotations


def edit_distance(one: str, other: str) -> int:
    """Return the Levenshtein distance: insertions, deletions and replacements of characters."""
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, theirs in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (mine != theirs))
    return row[-1]
