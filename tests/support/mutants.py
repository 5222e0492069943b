"""Damaged copies of good files, the same ones for the same seed."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from vlm_demo.errors import VlmDemoError

MUTANTS = int(os.environ.get("FUZZ_MUTANTS", "2000"))
"""Number of damaged files that one test tries; FUZZ_MUTANTS sets it."""

SEED = int(os.environ.get("FUZZ_SEED", "0"))
"""Seed of all of them; FUZZ_SEED sets it."""

LIMIT_S = float(os.environ.get("FUZZ_SECONDS", "5"))
"""CPU seconds in which each has to be read or refused."""

_ODD = (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1", b"[" * 64, b"\r\n")


def mutants(originals: list[bytes], count: int) -> Iterator[bytes]:
    """Yield damaged copies: bytes changed, cut out, doubled, moved, or of another file."""
    rng = random.Random(SEED)
    for number in range(count):
        content = bytearray(originals[number % len(originals)])
        for _ in range(rng.choice((1, 1, 2, 4, 16))):
            _damage(content, rng, originals)
        yield bytes(content)


def _damage(content: bytearray, rng: random.Random, originals: list[bytes]) -> None:
    if not content:
        content.extend(rng.randbytes(8))
        return
    # The beginning of a file has what the rest is read by.
    reach = len(content) if rng.random() < 0.5 else min(len(content), 256)
    start = rng.randrange(reach)
    end = min(len(content), start + rng.choice((1, 2, 4, 64, 4096)))
    match rng.randrange(7):
        case 0:
            content[start] ^= 1 << rng.randrange(8)
        case 1:
            content[start : start + 4] = rng.choice(_ODD)
        case 2:
            del content[start:end]
        case 3:
            content[start:start] = content[start:end] * rng.choice((1, 2, 50))
        case 4:
            content[start:end] = rng.randbytes(end - start)
        case 5:
            del content[start:]
        case 6:
            other = rng.choice(originals)
            at = rng.randrange(len(other))
            content[start:end] = other[at : at + end - start]


def try_all(
    read: Callable[[bytes], Any], contents: Iterator[bytes], *refusals: type[Exception]
) -> int:
    """Read each content; it may fail with one of our errors only, and within its time.

    Returns how many were refused.
    """
    refused = 0
    for number, content in enumerate(contents):
        begin = time.process_time()
        try:
            read(content)
        except (VlmDemoError, *refusals):
            refused += 1
        except BaseException as error:
            raise AssertionError(f"mutant {number} of seed {SEED}: {content[:80]!r}") from error
        took = time.process_time() - begin
        assert took < LIMIT_S, f"mutant {number} of seed {SEED} took {took:.1f} s"
    return refused
