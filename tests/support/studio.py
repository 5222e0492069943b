"""Calls Studio over HTTP as its browser application does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx


class StudioClient:
    """One browser: it keeps the cookie that it gets with the page."""

    def __init__(self, address: str, *, cookies: bool = True) -> None:
        self.http = httpx.Client(base_url=address, timeout=60, follow_redirects=True)
        if cookies:
            self.http.get("/", headers={"Accept": "text/html"})

    def close(self) -> None:
        self.http.close()

    def upload(self, path: Path, name: str = "") -> str:
        with path.open("rb") as file:
            sent = self.http.post("gradio_api/upload", files={"files": (name or path.name, file)})
        return sent.json()[0]

    def join(self, call: str, *arguments: Any) -> str:
        sent = self.http.post(f"gradio_api/call/{call}", json={"data": list(arguments)})
        sent.raise_for_status()
        return sent.json()["event_id"]

    def events(self, call: str, event_id: str) -> Iterator[tuple[str, Any]]:
        with self.http.stream("GET", f"gradio_api/call/{call}/{event_id}") as stream:
            kind = ""
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield kind, json.loads(line.removeprefix("data: "))

    def call(self, name: str, *arguments: Any) -> Any:
        for kind, data in self.events(name, self.join(name, *arguments)):
            if kind == "complete":
                return data[0]
            assert kind != "error", data
        raise AssertionError(f"{name} gave no result")

    def stream(self, name: str, *arguments: Any) -> Iterator[dict[str, Any]]:
        for kind, data in self.events(name, self.join(name, *arguments)):
            assert kind != "error", data
            if kind == "generating":
                yield from data[0]

    def stream_values(self, name: str, *arguments: Any) -> Iterator[Any]:
        for kind, data in self.events(name, self.join(name, *arguments)):
            assert kind != "error", data
            if kind == "generating":
                yield data[0]

    def add_image(self, path: Path, name: str = "") -> dict[str, Any]:
        return self.call("studio_image", self.upload(path, name), name or path.name)

    def answer(self, **request: Any) -> list[dict[str, Any]]:
        return list(self.stream("studio_answer", studio_request(**request)))


def studio_request(**request: Any) -> dict[str, Any]:
    return {"turn": "turn-1", "model": "scripted", "task": "chat"} | request


def assemble(events: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Return what a browser shows after some events."""
    shown: dict[str, Any] = {"blocks": [], "mentions": [], "things": [], "shares": []}
    for event in events:
        match event["type"]:
            case "text":
                shown["blocks"] = shown["blocks"][: event["keep"]] + event["blocks"]
            case "mentions":
                shown["mentions"] = shown["mentions"][: event["keep"]] + event["items"]
            case "things" | "shares":
                shown[event["type"]] = event["items"]
            case "done" | "failed":
                shown[event["type"]] = event
    return shown
