"""The program as it is, with one model: its side of each comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import Serving
from vlm_demo.values import Request


class Program:
    """A model behind the program's whole path, from a request to the text that people read."""

    def __init__(self, folder: Path, family: str, serving: Serving) -> None:
        self._name = folder.name
        spec = ModelSpec(name=self._name, family=family, checkpoint=str(folder))
        self._backend = Backend((spec,), device="cpu", serving=serving)
        for _ in self._backend.load(self._name):
            pass

    def answer(self, request: Request) -> Iterator[str]:
        """Yield the raw text of the answer so far."""
        with closing(self._backend.answer(self._name, request)) as replies:
            for reply in replies:
                yield reply.raw

    def prompt_tokens(self, request: Request) -> int:
        """Return the length of the prompt in tokens, those of pictures included."""
        return self._backend.inspect(self._name, request).tokens

    def describe_reuse(self) -> str:
        """Say how much of all prompts did not have to be computed; "" where that is not known."""
        usage = self._backend.usage(self._name)
        if usage is None or not usage.prompt_tokens:
            return ""
        return f"{usage.reused_tokens / usage.prompt_tokens:.0%} of prompt tokens reused"

    def close(self) -> None:
        """Unload the model."""
        self._backend.close()
