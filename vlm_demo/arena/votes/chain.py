"""The hash chain of the votes: each link covers a row and, by the link before it, all rows before.

It is plain SHA-256, so that anybody can check it. Somebody with write access to the whole database
can rewrite the whole chain; only a head that was noted elsewhere reveals that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from vlm_demo.arena.votes.schema import head

FIRST_LINK = "0" * 64
"""Link that the first row continues."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)


class ChainHead(NamedTuple):
    """The end of the chain."""

    seq: int  # of the last row; 0: no rows
    link: str
    deletions: int  # how many votes were withdrawn


def compute_digest(fields: Mapping[str, Any]) -> str:
    """Return the hexadecimal SHA-256 of fields as JSON with sorted names and no spaces.

    Fields without a value are left out, so that a column of a later version changes no old digest.
    """
    present = {name: value for name, value in fields.items() if value is not None}
    return _sha256(_CANONICAL.encode(present))


def compute_link(previous: str, seq: int, digest: str) -> str:
    """Return the link of a row from the link before it, its position and its digest."""
    return _sha256(f"{previous} {seq} {digest}")


def extend_chain(end: ChainHead, rows: Iterable[dict[str, Any]]) -> ChainHead:
    """Give rows with digests their positions and links after the end; return the new end."""
    seq, link, deletions = end
    for row in rows:
        seq += 1
        link = compute_link(link, seq, row["digest"])
        row |= {"seq": seq, "link": link}
    return ChainHead(seq, link, deletions)


def read_head(connection: Connection, *, to_write: bool = False) -> ChainHead:
    """Return the end of the chain; `to_write` locks it, which SQLite does by itself."""
    query = select(head.c.seq, head.c.link, head.c.deletions)
    row = connection.execute(query.with_for_update() if to_write else query).one()
    return ChainHead(*row)


def write_head(connection: Connection, end: ChainHead) -> None:
    """Replace the end of the chain."""
    connection.execute(update(head).values(end._asdict()))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
