"""`transformers serve` in a process of its own, and a client of it."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL.Image import Image

from vlm_demo.bench.chat_client import stream_chat
from vlm_demo.bench.local_servers import free_port, serving
from vlm_demo.values import Prompt

_PROGRAM = (
    "import runpy, vlm_demo.engines.local; "
    "runpy.run_module('transformers.cli.transformers', run_name='__main__')"
)
"""Runs the command line of transformers once torchvision has been checked."""


class TransformersServe:
    """A client of the server: streamed chat completions."""

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
        }
        yield from stream_chat(f"{self._url}/v1", body)


@contextmanager
def transformers_serve(checkpoint: Path, threads: int) -> Iterator[TransformersServe]:
    """Serve a checkpoint while the block runs.

    Raises:
        UnavailableError: the server does not start.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = checkpoint.with_name("transformers-serve.log")
    with serving(serve_command(checkpoint, port), f"{url}/health", log, threads):
        yield TransformersServe(url, str(checkpoint))


def serve_command(checkpoint: Path, port: int) -> list[str]:
    """Return the command that serves a checkpoint, without a torchvision that does not fit.

    Nor does Python see PYTHONPATH, where the tests define operators that such a torchvision lacks:
    it could be imported then, but read no picture.
    """
    options = ["--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-E", "-c", _PROGRAM, "serve", str(checkpoint), *options]


def _image_part(image: Image) -> dict[str, Any]:
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=1)
    encoded = base64.b64encode(data.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}
