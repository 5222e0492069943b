"""The files of a data set of the Hub in which the chain is kept, named by what they hold."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from vlm_demo.arena.ledger.entries import Entry, to_line

PART_BYTES = 4_000_000
"""A part is closed when it has grown so long."""

PARTS = 4
"""Parts that are sent at a time; they are held in memory."""

_NAME = re.compile(r"votes/(\d{12})-(\d{12})-[0-9a-f]+\.jsonl")


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A file of the data set."""

    first: int
    last: int
    path: str

    @classmethod
    def named(cls, path: str) -> Part | None:
        """Read what a file's name says; None: it holds no votes."""
        match = _NAME.fullmatch(path)
        return cls(int(match[1]), int(match[2]), path) if match else None

    @classmethod
    def of(cls, first: int, last: int) -> Part:
        """Name a new part, unlike any that another run of the program wrote."""
        return cls(first, last, f"votes/{first:012d}-{last:012d}-{secrets.token_hex(4)}.jsonl")


def cut(entries: Iterable[Entry]) -> Iterator[tuple[Part, bytes]]:
    """Cut the chain into parts."""
    lines: list[bytes] = []
    size = first = last = 0
    for entry in entries:
        first, last = first or entry.seq, entry.seq
        lines.append(to_line(entry))
        size += len(lines[-1])
        if size >= PART_BYTES:
            yield Part.of(first, last), b"".join(lines)
            lines, size, first = [], 0, 0
    if lines:
        yield Part.of(first, last), b"".join(lines)


def grouped(parts: Iterable[tuple[Part, bytes]]) -> Iterator[list[tuple[Part, bytes]]]:
    remaining = iter(parts)
    while group := list(islice(remaining, PARTS)):
        yield group
