"""What a page and a worker send each other: a line of JSON, and bytes."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_LENGTHS = struct.Struct(">IQ")
"""Lengths in bytes of the JSON and of what follows."""

MAX_HEAD = 100_000
"""Largest JSON in bytes."""


def write_message(stream: IO[bytes], head: dict[str, Any], content: bytes = b"") -> None:
    """Send a message.

    Raises:
        OSError: the other side is gone.
    """
    text = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(text), len(content)) + text)
    stream.write(content)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Receive a message.

    Raises:
        EOFError: the other side is gone, or writes something else.
    """
    head_length, length = _LENGTHS.unpack(_read(stream, _LENGTHS.size))
    if head_length > MAX_HEAD:
        raise EOFError("This is not a message.")
    head: dict[str, Any] = json.loads(_read(stream, head_length))
    return head, _read(stream, length)


def _read(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError("The other side has ended.")
    return content
