"""Memory that was freed goes back to the system."""

from __future__ import annotations

import sys

import psutil
import pytest

from vlm_demo.server.memory import find_trim


@pytest.mark.skipif(sys.platform != "linux", reason="The C library of other systems has no trim.")
def test_what_was_freed_between_what_is_used_is_given_back() -> None:
    trim = find_trim()
    assert trim
    pieces = [bytearray(60_000) for _ in range(4_000)]  # below the size that is mapped by itself
    kept = pieces[::100]
    del pieces
    before = psutil.Process().memory_info().rss
    trim()
    assert before - psutil.Process().memory_info().rss > 100_000_000
    assert len(kept) == 40
