"""Reads what a server sends: messages one by one as they come, or one whole message.

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html; OpenAI ends
it with a message "[DONE]".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from vlm_demo.translatable_text import message

MAX_ANSWER_BYTES = 64 << 20
"""Most bytes of one answer that are read: more than any answer has, with all its envelopes."""

Message = Mapping[str, Any]
"""One message of a server, decoded."""

DONE: Message = {}
"""Stands for the message that ends a stream."""


class UnreadableMessageError(ValueError):
    """What a server sent is not a message of OpenAI's API; its text says in a word or two why."""


class MessageReader:
    """Turns the bytes of an answer into messages, as they come."""

    def __init__(self, content_type: str) -> None:
        """Prepare to read.

        Args:
            content_type: what the server says that it sends. With "json" in it, that is one
                message; otherwise it is taken to be a stream of events.

        Raises:
            UnreadableMessageError: it is a web page.
        """
        if "html" in content_type:
            raise UnreadableMessageError(message("a web page"))
        self._is_whole = "json" in content_type
        self._size = 0
        self._rest: list[bytes] = []  # pieces of a line or message whose end has not come
        self._data: list[bytes] = []  # lines of an event whose end has not come

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Yield the messages that some bytes complete; DONE where the server says so.

        Raises:
            UnreadableMessageError: they are not JSON, or too many.
        """
        self._size += len(chunk)
        if self._size > MAX_ANSWER_BYTES:
            raise UnreadableMessageError(message("more than an answer can have"))
        if self._is_whole:
            self._rest.append(chunk)
            return
        *lines, last = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            whole, self._rest = b"".join((*self._rest, line)), []
            yield from self._read_line(whole)
        if last:
            self._rest.append(last)

    def end(self) -> Iterator[Message]:
        """Yield what is left when all bytes have come.

        Raises:
            UnreadableMessageError: it is not JSON, or no answer.
        """
        rest, self._rest = b"".join(self._rest), []
        if self._is_whole:
            content = _decode(rest)
            if not content.get("choices") and not content.get("error"):
                raise UnreadableMessageError(message("something that is not an answer"))
            yield content
            yield DONE
            return
        yield from self._read_line(rest)
        yield from self._read_line(b"")  # the last event may lack the empty line behind it

    def _read_line(self, line: bytes) -> Iterator[Message]:
        """Read a line of events without its end; an empty one ends an event."""
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        elif not line and self._data:
            data, self._data = b"\n".join(self._data), []
            yield DONE if data.strip() == b"[DONE]" else _decode(data)


def _decode(data: bytes) -> Message:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableMessageError(message("something that is not JSON")) from error
    if not isinstance(content, dict):
        raise UnreadableMessageError(message("something that is not a message"))
    return content
