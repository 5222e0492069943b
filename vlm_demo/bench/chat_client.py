"""A small client of chat completions: it adds nothing to the time that a server takes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from vlm_demo.bench.local_servers import DIRECT

MAX_ANSWER_S = 600.0


def stream_chat(base_url: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Send a request; yield the raw text of the answer so far.

    Source: https://platform.openai.com/docs/api-reference/chat-streaming

    Args:
        base_url: address of the API, as a rule http://host:port/v1.
        body: the request, without `stream`.

    Raises:
        RuntimeError: the server says that it failed.
        OSError: it cannot be reached, or refuses the request.
    """
    request = urllib.request.Request(
        f"{base_url}/chat/completions",
        json.dumps({**body, "stream": True}).encode(),
        {"Content-Type": "application/json"},
    )
    text = ""
    with DIRECT.open(request, timeout=MAX_ANSWER_S) as lines:
        for line in lines:
            if line.startswith(b"data: {"):
                text += _chunk_text(json.loads(line.removeprefix(b"data: ")))
                yield text


def _chunk_text(event: dict[str, Any]) -> str:
    """Return the text of a server-sent event.

    Raises:
        RuntimeError: the server says that it failed.
    """
    if "error" in event:
        raise RuntimeError(f"The server failed: {event['error']}")
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])
