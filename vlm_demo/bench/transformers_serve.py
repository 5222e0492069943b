"""`transformers serve` in a process of its own, and a client of it."""

from __future__ import annotations

import base64
import io
import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL.Image import Image

from vlm_demo.bench.local_servers import DIRECT, free_port, serving
from vlm_demo.values import Prompt

MAX_ANSWER_S = 600.0


class TransformersServe:
    """A client of the server: streamed chat completions.

    Source: https://platform.openai.com/docs/api-reference/chat-streaming
    """

    def __init__(self, url: str, model: str) -> None:
        self._url = url
        self._model = model

    def answer(self, prompt: Prompt, new_tokens: int) -> Iterator[str]:
        """Yield the raw text of the answer so far."""
        body = {
            "model": self._model,
            "messages": [
                {
                    "role": message.role,
                    "content": [
                        *map(_image_part, message.images),
                        {"type": "text", "text": message.text},
                    ],
                }
                for message in prompt.messages
            ],
            "max_tokens": new_tokens,
            "temperature": 0,
            "stream": True,
        }
        request = urllib.request.Request(
            f"{self._url}/v1/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        text = ""
        with DIRECT.open(request, timeout=MAX_ANSWER_S) as lines:
            for line in lines:
                if line.startswith(b"data: {"):
                    text += _chunk_text(json.loads(line.removeprefix(b"data: ")))
                    yield text


@contextmanager
def transformers_serve(checkpoint: Path, threads: int) -> Iterator[TransformersServe]:
    """Serve a checkpoint while the block runs.

    Raises:
        UnavailableError: the server does not start.
    """
    port = free_port()
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(checkpoint)]
    options = ["--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    log = checkpoint.with_name("transformers-serve.log")
    with serving([*command, *options], f"{url}/health", log, threads):
        yield TransformersServe(url, str(checkpoint))


def _image_part(image: Image) -> dict[str, Any]:
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=1)
    encoded = base64.b64encode(data.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}


def _chunk_text(event: dict[str, Any]) -> str:
    """Return the text of a server-sent event.

    Raises:
        RuntimeError: the server says that it failed.
    """
    if "error" in event:
        raise RuntimeError(f"transformers serve failed: {event['error']}")
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])
