"""A visitor of the page: a browser without a screen, which speaks as Studio does."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from vlm_demo.bench.load.page import MODEL

TIMEOUT_S = 300.0

BUSY = ("busy", "waiting for", "too many requests", "full")
"""Words in a refusal which says that the page has too much to do."""


@dataclass(frozen=True, slots=True)
class VisitorAnswer:
    """How a question ended."""

    first_token_s: float | None  # seconds until the first words; None: there were none
    raw: str = ""  # the model's own text, of an answer that was finished
    problem: str = ""  # why there is none; "": there is one, or its stream was closed

    @property
    def is_busy(self) -> bool:
        """Whether the page had too much to do."""
        return any(words in self.problem.lower() for words in BUSY)


class LoadVisitor:
    """One visitor, with a cookie and a picture of its own."""

    def __init__(self, address: str) -> None:
        """Prepare to visit the page at an address."""
        self.http = httpx2.AsyncClient(base_url=address, timeout=TIMEOUT_S, trust_env=False)
        self.image = ""  # its id in Studio
        self.file: dict[str, Any] = {}  # the same for endpoints

    async def enter(self, picture: Path) -> None:
        """Open the page, and put a picture on the canvas.

        Raises:
            RuntimeError: the page refuses it.
        """
        await self.http.get("", headers={"Accept": "text/html"})
        path = await self.upload(picture.read_bytes())
        self.file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        added = await self.call("studio_image", path, "a.png")
        if "id" not in added:
            raise RuntimeError(f"The page did not take a picture: {added}")
        self.image = added["id"]

    async def upload(self, content: bytes, name: str = "a.png") -> str:
        """Upload a file; return its path, or "" where the page refuses it."""
        sent = await self.http.post("gradio_api/upload", files={"files": (name, content)})
        return str(sent.json()[0]) if sent.status_code == 200 else ""

    async def call(self, name: str, *arguments: Any) -> Any:
        """Return the result of a call; of one that fails, an object with `error`."""
        result: Any = {"error": "the stream ended"}
        async for kind, data in self._events(name, *arguments):
            if kind in ("complete", "error"):
                result = data[0] if kind == "complete" and data else {"error": data}
        return result

    async def ask(
        self, text: str, *, tokens: int = 8, seed: int = 1, stop_s: float = 0
    ) -> VisitorAnswer:
        """Ask about the picture.

        Args:
            text: the question.
            tokens: longest answer.
            seed: of the answer.
            stop_s: seconds after which the stream is closed; 0: never.
        """
        sampling = {"max_new_tokens": tokens, "temperature": 0.7, "seed": seed}
        turn: dict[str, Any] = {"turn": uuid4().hex, "model": MODEL, "task": "chat", "text": text}
        turn |= {"images": [self.image], "sampling": sampling}
        begin, first = time.monotonic(), None
        async with aclosing(self._events("studio_answer", turn)) as events:
            async for kind, data in events:
                now = time.monotonic() - begin
                if stop_s and now > stop_s:
                    return VisitorAnswer(first)
                if kind == "error":
                    return VisitorAnswer(first, problem=str(data))
                for event in data[0] if kind == "generating" else ():
                    match event["type"]:
                        case "text" if first is None and event["blocks"]:
                            first = now
                        case "done":
                            return VisitorAnswer(first, raw=event["raw"])
                        case "failed":
                            return VisitorAnswer(first, problem=str(event["message"]))
        return VisitorAnswer(first, problem="the stream ended")

    async def _events(self, name: str, *arguments: Any) -> AsyncGenerator[tuple[str, Any], None]:
        path = f"gradio_api/call/{name}"
        sent = await self.http.post(path, json={"data": list(arguments)})
        if sent.status_code != 200:
            yield "error", sent.text[:300]
            return
        kind = ""
        async with self.http.stream("GET", f"{path}/{sent.json()['event_id']}") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield kind, json.loads(line.removeprefix("data: "))

    async def close(self) -> None:
        """Leave."""
        await self.http.aclose()
