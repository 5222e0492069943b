"""Entries of the chain as lines of JSON, from which it is rebuilt exactly as it was."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import RowMapping

from vlm_demo.arena.votes.chain import ChainHead, compute_digest, compute_link
from vlm_demo.arena.votes.rows import digest_conversation, from_row
from vlm_demo.arena.votes.schema import CONTENT_COLUMNS, LATER_COLUMNS, votes, withdrawals
from vlm_demo.arena.votes.vote import UserTurn, Vote
from vlm_demo.errors import InputError

TABLES = {"vote": votes, "withdrawal": withdrawals}
"""The table of each kind of entry."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One place in the chain with all that it holds: a vote, or the withdrawal of one."""

    kind: str  # a key of TABLES
    fields: dict[str, Any]  # the columns of its table
    conversation: tuple[UserTurn, ...] = ()

    @property
    def seq(self) -> int:
        """Its place: 1 is the first."""
        return int(self.fields["seq"])

    @property
    def link(self) -> str:
        """Its link to all before it."""
        return str(self.fields["link"])

    @property
    def is_withdrawn(self) -> bool:
        """Whether it is a vote that was withdrawn, so that its content is gone."""
        return self.kind == "vote" and self.fields["winner"] is None

    def follows(self, end: ChainHead) -> bool:
        """Whether it comes next in a chain with this end."""
        link = compute_link(end.link, end.seq + 1, self.fields["digest"])
        return (self.seq, self.link) == (end.seq + 1, link)

    def vote(self) -> Vote:
        """Return the vote of an entry that is one, and not withdrawn."""
        return from_row(cast(RowMapping, self.fields), self.conversation)


def to_line(entry: LedgerEntry) -> bytes:
    """Write an entry as a line of JSON."""
    fields = {
        name: value
        for name, value in entry.fields.items()
        if value is not None or name not in LATER_COLUMNS
    }
    record: dict[str, Any] = {entry.kind: fields}
    if entry.conversation:
        record["conversation"] = [
            {"text": turn.text, "pictures": [base64.b64encode(p).decode() for p in turn.images]}
            for turn in entry.conversation
        ]
    return json.dumps(record).encode() + b"\n"


def from_line(line: bytes) -> LedgerEntry:
    """Read an entry.

    Raises:
        InputError: the line is broken, or is not what was written.
    """
    try:
        entry = _read_record(json.loads(line))
        genuine = entry.is_withdrawn or _matches_digest(entry)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        StopIteration,
        RecursionError,
    ) as error:
        raise InputError("it is broken, or cut off") from error
    if not genuine:
        raise InputError("it was changed")
    return entry


def _read_record(record: dict[str, Any]) -> LedgerEntry:
    kind = next(kind for kind in TABLES if kind in record)
    fields = {column.name: record[kind].get(column.name) for column in TABLES[kind].columns}
    conversation = tuple(
        UserTurn(text=turn["text"], images=tuple(map(_decode_base64, turn["pictures"])))
        for turn in record.get("conversation", ())
    )
    return LedgerEntry(kind, fields, conversation)


def _decode_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _matches_digest(entry: LedgerEntry) -> bool:
    """Whether its content is what its digest says."""
    fields = entry.fields
    if entry.kind == "withdrawal":
        content = {"vote": fields["vote"], "made_at": fields["made_at"]}
        return bool(compute_digest(content) == fields["digest"])
    conversation = digest_conversation(entry.conversation)
    digest = compute_digest({name: fields[name] for name in CONTENT_COLUMNS})
    return bool((conversation, digest) == (fields["conversation"], fields["digest"]))
