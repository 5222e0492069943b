"""What a server offers."""

from __future__ import annotations

from dataclasses import dataclass

from vlm_demo.engines.load_options import ServerKind


@dataclass(frozen=True, slots=True)
class ServerModel:
    """One model of a server."""

    name: str  # what the server calls it
    sees_images: bool | None = None  # None: the server does not say


@dataclass(frozen=True, slots=True)
class ServerListing:
    """A server and what it offers."""

    base_url: str  # of its OpenAI-compatible API
    kind: ServerKind
    models: tuple[ServerModel, ...]
    title: str = ""  # of the program, where its port tells
