"""The API on a port of its own, and pictures as its clients send them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openai import OpenAI
from PIL import Image

from vlm_demo.api.app import PREFIX
from vlm_demo.api.server import run_api
from vlm_demo.backend import Backend
from vlm_demo.settings import Settings


@contextmanager
def api_server(backend: Backend, **settings: Any) -> Iterator[str]:
    """Serve the API in a thread; give the address of its server, without a path."""
    with run_api(backend, Settings(**settings)) as address:
        yield address.removesuffix(PREFIX)


def connect(address: str, key: str = "none") -> OpenAI:
    return OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=120)


def data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def user(text: str, *images: Image.Image, **own: Any) -> dict[str, Any]:
    """A message with pictures; `own` are our own fields of it."""
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": data_uri(image)}} for image in images
    ]
    more = {"vlm_demo": own} if own else {}
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}], **more}
