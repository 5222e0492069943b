"""A page whose models say what a test wants, at the pace that it wants."""

from __future__ import annotations

import math
import os
import re
import socket
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import vlm_demo.backend
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Engine, LoadOptions, OnProgress, Progress, Serving
from vlm_demo.errors import LoadError, NoScoresError
from vlm_demo.server import Monitor, ServerPart
from vlm_demo.settings import Settings
from vlm_demo.ui.layout import build_page, serve
from vlm_demo.values import Prompt, Sampling, TextChunk

CIRCLE = "[0.10, 0.20, 0.40, 0.60]"  # fractions of the picture padded to a square

ANSWERS = {
    "zebra": "There is no zebra.",
    "unreadable": "It is at [0.1, 0.2, 0.9].",
    "coordinate of the region": CIRCLE,
    "coordinates of everything": f"A red circle {CIRCLE} and a star [0.50, 0.50, 0.80, 0.70].",
    "description for this region": "A blue square.",
    "Where": f"The red circle is here: {CIRCLE}.",
    "single word": "Red",
    "for ever": "word " * 2_000,
    "dangerous": '<form><input type="password"></form> ![x](http://x.invalid/x.png) **bold**',
    "in detail": "There is a red circle. The background is white.",
    "one-sentence": "A red circle.",
}


ENDPOINTS = {
    *("chat", "caption", "ask", "locate", "detect", "read", "describe", "outline"),
    *("compare", "check", "consensus", "batch", "models", "read_output", "leaderboard"),
}
"""All that programs can do on the page; voting is not among it."""


class ScriptedEngine:
    """Answers with the text whose key is in the question, in the markup of LLaVA-1.5."""

    control_tokens = frozenset({"<image>", "</s>"})

    def __init__(self, answers: Mapping[str, str] = ANSWERS, pause_s: float = 0.002) -> None:
        self.answers = answers
        self.chances: Mapping[str, float] = {}  # of words; {}: not known, others: 0.99
        self.likely: Callable[[Prompt, str], float] | None = None  # probability of a choice
        self.pause_s = pause_s
        self.prompts: list[Prompt] = []
        self.running = 0
        self.samplings: list[Sampling] = []

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        self.prompts.append(prompt)
        self.samplings.append(sampling)
        question = prompt.messages[-1].text
        answer = next((a for key, a in self.answers.items() if key in question), question[::-1])
        self.running += 1
        try:
            for piece in re.findall(r"\s?\S+", f" {answer}"):
                time.sleep(self.pause_s)
                chance = self.chances.get(piece.strip(), 0.99)
                yield TextChunk(piece, logprobs=(math.log(chance),) if self.chances else ())
        finally:
            self.running -= 1

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        self.prompts.append(prompt)
        if self.likely is None:
            raise NoScoresError("Nobody knows how probable this is.")
        return [math.log(self.likely(prompt, choice)) for choice in choices]

    def close(self) -> None:
        pass


MENU = (
    ModelSpec(
        name="scripted",
        family="llava15",
        checkpoint="here",
        licence="Apache-2.0",
        languages=("English",),
        note="Says what a test wants.",
    ),
    ModelSpec(name="chat-only", family="smolvlm", checkpoint="also-here"),
    ModelSpec(name="far-away", family="llava15", checkpoint="nobody/nothing"),
)


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture(scope="module")
def backend(engine: ScriptedEngine) -> Iterator[Backend]:
    """A backend whose local models are all the scripted one; one of them cannot be reached."""

    real = vlm_demo.backend.open_engine

    def open_scripted(options: LoadOptions, serving: Serving, on_progress: OnProgress) -> Engine:
        if options.checkpoint not in {spec.checkpoint for spec in MENU}:
            return real(options, serving, on_progress)
        on_progress(Progress("loading", 1, 2, "shards"))
        if options.checkpoint == "nobody/nothing":
            raise LoadError("nobody/nothing is not on this computer. Please connect.")
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vlm_demo.backend, "open_engine", open_scripted)
        backend = Backend(MENU)
        yield backend
        backend.close()


@contextmanager
def served(
    backend: Backend,
    folder: Path,
    *,
    parts: Sequence[ServerPart] = (),
    monitor: Monitor | None = None,
    **settings: Any,
) -> Iterator[str]:
    """Serve the page; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    own = Settings(**{"port": port, "votes": str(folder / "votes.db")} | settings)
    page = build_page(backend, own)
    try:
        yield serve(page, backend, own, parts=parts, monitor=monitor)
    finally:
        page.close()
        if before is None:
            del os.environ["GRADIO_TEMP_DIR"]
        else:
            os.environ["GRADIO_TEMP_DIR"] = before


@pytest.fixture(scope="module")
def address(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(backend, tmp_path_factory.mktemp("gradio")) as address:
        yield address
