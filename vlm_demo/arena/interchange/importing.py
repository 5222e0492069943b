"""Reads votes that other arenas, or exports of this one, publish as JSON lines.

What a line must have: `model_a`, `model_b`, `winner`. What it may have: `judge`, `language`,
`turn`, `tstamp` (seconds since 1970 UTC), and all that `published_rows` writes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import IO, Any

from vlm_demo.arena.interchange.language_names import to_code
from vlm_demo.arena.interchange.published_fields import (
    is_number,
    moment,
    name,
    shown,
    text,
    texts,
    whole_number,
)
from vlm_demo.arena.interchange.published_rows import WINNERS, conversation_of, outputs_of
from vlm_demo.arena.votes.vote import Contender, Exclusion, Origin, Vote, Winner
from vlm_demo.errors import InputError
from vlm_demo.values import Task

LONGEST_LINE = 64_000_000
"""In bytes; a longer one is no vote."""

SHOWN_FAULTS = 10

_READ_WINNERS = {word: winner for winner, word in WINNERS.items()} | {
    # https://huggingface.co/datasets/lmarena-ai/arena-human-preference-140k
    "both_bad": Winner.BOTH_BAD,
}
_TASKS = frozenset(Task)
_MOST_TURNS = 1_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is no vote."""

    line: int  # 1 is the first
    why: str


@dataclass(slots=True)
class Reading:
    """Reads lines as votes, leaves out what cannot be used, and remembers it."""

    now: datetime  # stands in for times that are not given; none may be much later
    read: int = 0  # lines that are not blank
    votes: int = 0
    named: int = 0  # left out: the voter saw which models they were
    faulty: int = 0
    faults: list[Fault] = field(default_factory=list)  # the first few
    _seen: Counter[str] = field(default_factory=Counter)

    def of(self, lines: Iterable[bytes]) -> Iterator[Vote]:
        """Read the lines one by one."""
        number = 0
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    self.read += 1
                    yield from self._vote(number, line)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self._note(number + 1, "the compressed file is damaged or cut off from here on")

    def _vote(self, number: int, line: bytes) -> Iterator[Vote]:
        try:
            row = _object(line)
            if row.get("anony") is False:
                self.named += 1
                return
            vote = to_vote(row, self._id(row), self.now)
        except InputError as error:
            self._note(number, str(error))
            return
        self.votes += 1
        yield vote

    def _note(self, line: int, why: str) -> None:
        self.faulty += 1
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(Fault(line, why))

    def _id(self, row: dict[str, Any]) -> str:
        """Return an id that is the same whenever the same line is read.

        An id of the line's own makes it unique. Without one, lines that say the same are told
        apart by their number, so a file that is read twice counts once.
        """
        if row.get("battle") is not None:
            return name(row, "battle")
        if row.get("id") is not None:
            return _digest([row.get(key) for key in ("id", "model_a", "model_b")])
        said = _digest([row.get(key) for key in _CONTENT])
        self._seen[said] += 1
        return said if self._seen[said] == 1 else f"{said}-{self._seen[said]}"


# `question_id` is no id of a vote: many people judge the same question.
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


def _digest(values: list[Any]) -> str:
    return "import-" + hashlib.sha256(ascii(values).encode()).hexdigest()[:32]


def open_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Return the lines of a file that may be compressed by gzip; too long ones are cut."""
    # Only a file that can look ahead tells what it is without losing its beginning.
    compressed = file.peek(2)[:2] == b"\x1f\x8b" if hasattr(file, "peek") else False
    plain = gzip.GzipFile(fileobj=file) if compressed else file
    while line := plain.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = plain.readline(LONGEST_LINE)


def _object(line: bytes) -> dict[str, Any]:
    if len(line) >= LONGEST_LINE:
        raise InputError(f"longer than {LONGEST_LINE // 1_000_000} MB")
    try:
        row = json.loads(line.strip().removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except RecursionError:
        raise InputError("nested too deeply") from None
    except ValueError as error:  # not JSON, not UTF-8, a number of thousands of digits
        raise InputError(f"not JSON: {error}") from None
    if isinstance(row, list):
        raise InputError("a list, and each line must be one vote: `jq -c '.[]' FILE` makes lines")
    if not isinstance(row, dict):
        raise InputError("not a JSON object")
    return row


def to_vote(row: dict[str, Any], battle: str, now: datetime) -> Vote:
    """Read one vote.

    Raises:
        InputError: a field is missing, or its value cannot be used.
    """
    a, b = name(row, "model_a"), name(row, "model_b")
    if a == b:
        raise InputError(f"{a!r} against itself")
    voted_at = moment(row, "tstamp", now, now)
    vote = Vote(
        battle=battle,
        a=_contender(a),
        b=_contender(b),
        winner=_winner(row, "winner"),
        task=_task(row.get("task")),
        language=to_code(text(row, "language")),
        parameters={},
        turns=whole_number(row, "turn", 1, 1, _MOST_TURNS) or 1,
        began_at=voted_at,
        ended_at=voted_at,
        voted_at=voted_at,
        voter=_voter(row.get("judge")),
        origin=Origin.IMPORTED,
    )
    return vote if _MORE.isdisjoint(row) else replace(vote, **_more(row, vote, now))


@lru_cache(maxsize=10_000)
def _contender(model: str) -> Contender:
    """Return a side of which only the name is known; a million votes are about few models."""
    return Contender(model=model)


_MORE = frozenset(
    {
        *("revision_a", "revision_b", "engine_a", "engine_b", "outputs_a", "outputs_b"),
        *("conversation_a", "conversation_b", "boxes_winner", "parameters", "seed"),
        *("prompt_hash", "picture_hash", "began_at", "ended_at", "tags", "comment"),
        *("origin", "exclusion", "weight"),
    }
)


def _more(row: dict[str, Any], vote: Vote, now: datetime) -> dict[str, Any]:
    """Read what few arenas publish."""
    return {
        "a": _side(row, "a", vote.a.model),
        "b": _side(row, "b", vote.b.model),
        "boxes": None if row.get("boxes_winner") is None else _winner(row, "boxes_winner"),
        "parameters": row["parameters"] if isinstance(row.get("parameters"), dict) else {},
        "seed": whole_number(row, "seed", None, 0, 2**63 - 1),
        "prompt_hash": text(row, "prompt_hash"),
        "picture_hash": text(row, "picture_hash"),
        "began_at": moment(row, "began_at", vote.voted_at, now),
        "ended_at": moment(row, "ended_at", vote.voted_at, now),
        "tags": texts(row, "tags"),
        "comment": text(row, "comment", longest=100_000),
        # What a program judged stays apart from what people did.
        "origin": Origin.AUTOMATIC if row.get("origin") == Origin.AUTOMATIC else vote.origin,
        "exclusion": _exclusion(row.get("exclusion")),
        "weight": _weight(row.get("weight")),
        "conversation": conversation_of(row),
    }


def _side(row: dict[str, Any], side: str, model: str) -> Contender:
    return Contender(
        model=model,
        revision=text(row, f"revision_{side}"),
        engine=text(row, f"engine_{side}"),
        outputs=texts(row, f"outputs_{side}") or outputs_of(row.get(f"conversation_{side}")),
    )


def _winner(row: dict[str, Any], key: str) -> Winner:
    value = row.get(key)
    if value is None:
        raise InputError(f"{key} is missing")
    if not isinstance(value, str) or value not in _READ_WINNERS:
        raise InputError(f"{key} is {shown(value)}, not one of {', '.join(_READ_WINNERS)}")
    return _READ_WINNERS[value]


def _task(value: Any) -> Task:
    """Return the task; other arenas have others, or none, and are about chat."""
    return Task(value) if isinstance(value, str) and value in _TASKS else Task.CHAT


def _voter(judge: Any) -> str:
    """Return a hash in place of whoever judged, which can be no voter of this page."""
    if judge is None or judge == "":
        return ""
    return hashlib.sha256(f"import:{judge}".encode("utf-8", "replace")).hexdigest()


def _exclusion(value: Any) -> Exclusion | None:
    if value is None:
        return None
    if value not in list(Exclusion):
        raise InputError(f"exclusion is {shown(value)}, not one of {', '.join(Exclusion)}")
    return Exclusion(value)


def _weight(value: Any) -> float:
    if value is None:
        return 1.0
    if not is_number(value) or not 0 <= value <= 1:
        raise InputError(f"weight is {shown(value)}, not a number from 0 to 1")
    return float(value)
