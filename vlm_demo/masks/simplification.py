"""Rings with no more corners than they need, by Douglas and Peucker.

Source: https://en.wikipedia.org/wiki/Ramer-Douglas-Peucker_algorithm.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Corners = npt.NDArray[np.float64]
"""Corners of a ring or of a line, (n, 2)."""


def simplify_ring(ring: Corners, tolerance: float) -> Corners:
    """Leave out corners so that none is farther than `tolerance` from the ring that is left.

    A ring that would lose its area stays as it is.
    """
    far = int(_lengths(ring - ring[0]).argmax())
    closed = np.concatenate([ring, ring[:1]])
    keep = np.zeros(len(closed), dtype=bool)
    keep[[0, far]] = True
    pieces = [(0, far), (far, len(closed) - 1)]
    while pieces:
        start, end = pieces.pop()
        if end - start < 2:
            continue
        off = distances_to_line(closed[start + 1 : end], closed[start], closed[end])
        worst = int(off.argmax())
        if off[worst] > tolerance:
            at = start + 1 + worst
            keep[at] = True
            pieces += [(start, at), (at, end)]
    simple = ring[keep[:-1]]
    return simple if len(simple) >= 3 else ring


def distances_to_line(corners: Corners, start: Corners, end: Corners) -> Corners:
    """Return how far corners are from the piece of a line between two places."""
    line = end - start
    length = float(line @ line)
    if not length:
        return _lengths(corners - start)
    along = np.clip((corners - start) @ line / length, 0, 1)
    return _lengths(corners - start - along[:, None] * line)


def _lengths(steps: Corners) -> Corners:
    lengths: Corners = np.hypot(steps[:, 0], steps[:, 1])
    return lengths
