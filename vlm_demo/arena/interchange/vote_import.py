"""Reads votes that other arenas, or exports of this one, publish as JSON lines.

A line must have `model_a`, `model_b` and `winner`. It may have `judge`, `language`, `turn`,
`tstamp` (seconds since 1970 UTC), and everything else that `vote_export` writes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from vlm_demo.arena.interchange.published_votes import PublishedVote
from vlm_demo.arena.votes.vote import Vote
from vlm_demo.errors import InputError

MAX_LINE_BYTES = 64_000_000
"""Largest size of a line; a longer one is no vote."""

MAX_LISTED_FAULTS = 10
"""Largest number of unusable lines that are described one by one."""

_CONTENT = (
    "question_id",
    "conversation_id",
    "model_a",
    "model_b",
    "winner",
    "judge",
    "task",
    "language",
    "turn",
    "tstamp",
)
"""Fields that tell votes without an id apart; many people judge the same `question_id`."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that is no vote."""

    line: int  # 1 is the first
    reason: str


@dataclass(slots=True)
class VoteReader:
    """Reads lines as votes, leaves out what cannot be used, and reports it."""

    now: datetime  # time of votes that have none; no time may be much later
    lines: int = 0  # not counting blank ones
    votes: int = 0
    not_anonymous: int = 0  # left out: the voter saw the models' names
    faulty: int = 0
    faults: list[LineFault] = field(default_factory=list)  # the first few
    _id_counts: Counter[str] = field(default_factory=Counter)

    def read(self, lines: Iterable[bytes]) -> Iterator[Vote]:
        """Read the lines one by one."""
        number = 0
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    self.lines += 1
                    yield from self._read_line(number, line)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self._note_fault(number + 1, "the compressed file is damaged or cut off from here on")

    def _read_line(self, number: int, line: bytes) -> Iterator[Vote]:
        try:
            row = _parse_object(line)
            if row.get("anony") is False:
                self.not_anonymous += 1
                return
            derived_id = "" if row.get("battle") is not None else self._derive_id(row)
            published = PublishedVote.read(row, self.now)
        except InputError as error:
            self._note_fault(number, str(error))
            return
        self.votes += 1
        yield published.to_vote(published.battle or derived_id, self.now)

    def _note_fault(self, line: int, reason: str) -> None:
        self.faulty += 1
        if len(self.faults) < MAX_LISTED_FAULTS:
            self.faults.append(LineFault(line, reason))

    def _derive_id(self, row: dict[str, Any]) -> str:
        """Return an id of the vote that is the same whenever the same file is read.

        A row's own id makes it unique. Without one, equal rows are numbered, so that reading a file
        twice adds its votes once.
        """
        if row.get("id") is not None:
            return _digest([row.get(key) for key in ("id", "model_a", "model_b")])
        content = _digest([row.get(key) for key in _CONTENT])
        self._id_counts[content] += 1
        number = self._id_counts[content]
        return content if number == 1 else f"{content}-{number}"


def open_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Return the lines of a file that may be compressed by gzip; long lines are cut."""
    # Only a file that can look ahead reveals its kind without losing its beginning.
    is_compressed = file.peek(2)[:2] == b"\x1f\x8b" if hasattr(file, "peek") else False
    plain = gzip.GzipFile(fileobj=file) if is_compressed else file
    while line := plain.readline(MAX_LINE_BYTES):
        yield line
        while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = plain.readline(MAX_LINE_BYTES)


def _digest(values: list[Any]) -> str:
    return "import-" + hashlib.sha256(ascii(values).encode()).hexdigest()[:32]


def _parse_object(line: bytes) -> dict[str, Any]:
    if len(line) >= MAX_LINE_BYTES:
        raise InputError(f"longer than {MAX_LINE_BYTES // 1_000_000} MB")
    try:
        row = json.loads(line.strip().removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except RecursionError:
        raise InputError("nested too deeply") from None
    except ValueError as error:  # not JSON, not UTF-8, a number of thousands of digits
        raise InputError(f"not JSON: {error}") from None
    if isinstance(row, list):
        raise InputError("a list, but each line must be one vote: `jq -c '.[]' FILE` makes lines")
    if not isinstance(row, dict):
        raise InputError("not a JSON object")
    return row
