"""The chain over votes: each link covers a row and, by the link before it, all rows before it.

Plain SHA-256, so that anybody can check it. Somebody who may write to the whole database can write
the whole chain anew; only a head that was noted elsewhere shows that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

FIRST = "0" * 64
"""What stands in place of a link before the first row."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False)


class Head(NamedTuple):
    """The end of the chain."""

    seq: int  # of the last row; 0: there is none
    link: str
    deletions: int  # how many votes were withdrawn


def digest_of(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of fields as JSON with sorted names and no spaces.

    Fields without a value are left out, so that a column of a later version changes no old digest.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    return _sha256(_CANONICAL.encode(given))


def link_of(previous: str, seq: int, digest: str) -> str:
    """Return the link of a row from the link before it, its place and its digest."""
    return _sha256(f"{previous} {seq} {digest}")


def chain(end: Head, rows: Iterable[dict[str, Any]]) -> Head:
    """Give rows with digests their places and links behind the end; return the new end."""
    seq, link, deletions = end
    for row in rows:
        seq += 1
        link = link_of(link, seq, row["digest"])
        row |= {"seq": seq, "link": link}
    return Head(seq, link, deletions)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
