"""The places of the chain as lines of text, from which it is built again exactly as it was."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import RowMapping

from vlm_demo.arena.votes.chain import Head, digest_of, link_of
from vlm_demo.arena.votes.conversations import digest_of_turns
from vlm_demo.arena.votes.rows import vote_of
from vlm_demo.arena.votes.schema import CONTENT, votes, withdrawals
from vlm_demo.arena.votes.vote import Turn, Vote
from vlm_demo.errors import InputError

TABLES = {"vote": votes, "withdrawal": withdrawals}


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in the chain, complete: a vote, or the withdrawal of one."""

    kind: str  # a key of TABLES
    fields: dict[str, Any]  # the columns of its table
    conversation: tuple[Turn, ...] = ()

    @property
    def seq(self) -> int:
        """Its place: 1 is the first."""
        return int(self.fields["seq"])

    @property
    def link(self) -> str:
        """Its link to all before it."""
        return str(self.fields["link"])

    @property
    def withdrawn(self) -> bool:
        """Whether it is a vote whose content is gone."""
        return self.kind == "vote" and self.fields["winner"] is None

    def follows(self, end: Head) -> bool:
        """Whether it is what comes next in a chain."""
        link = link_of(end.link, end.seq + 1, self.fields["digest"])
        return (self.seq, self.link) == (end.seq + 1, link)

    def vote(self) -> Vote:
        """Return the vote, which is not withdrawn."""
        return vote_of(cast(RowMapping, self.fields), self.conversation)


def to_line(entry: Entry) -> bytes:
    """Write an entry as a line of JSON."""
    record: dict[str, Any] = {entry.kind: entry.fields}
    if entry.conversation:
        record["conversation"] = [
            {"text": turn.text, "pictures": [base64.b64encode(p).decode() for p in turn.pictures]}
            for turn in entry.conversation
        ]
    return json.dumps(record).encode() + b"\n"


def from_line(line: bytes) -> Entry:
    """Read an entry.

    Raises:
        InputError: it is not whole, or not what was written.
    """
    try:
        entry = _entry(json.loads(line))
        whole = entry.withdrawn or _is_whole(entry)
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
        raise InputError("it is broken, or cut off") from error
    if not whole:
        raise InputError("it was changed")
    return entry


def _entry(record: dict[str, Any]) -> Entry:
    kind = next(kind for kind in TABLES if kind in record)
    fields = {column.name: record[kind].get(column.name) for column in TABLES[kind].columns}
    conversation = tuple(
        Turn(text=turn["text"], pictures=tuple(map(_decoded, turn["pictures"])))
        for turn in record.get("conversation", ())
    )
    return Entry(kind, fields, conversation)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _is_whole(entry: Entry) -> bool:
    """Whether its content is what its digest says."""
    fields = entry.fields
    if entry.kind == "withdrawal":
        said = {"vote": fields["vote"], "made_at": fields["made_at"]}
        return bool(digest_of(said) == fields["digest"])
    turns = digest_of_turns(entry.conversation)
    digest = digest_of({name: fields[name] for name in CONTENT})
    return bool((turns, digest) == (fields["conversation"], fields["digest"]))
