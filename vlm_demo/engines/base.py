"""The seam between the program and whatever produces tokens."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, Protocol

from vlm_demo.types import Prompt, Sampling

EngineKind = Literal["local"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Quantization = Literal["none", "4bit", "8bit"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long step has come."""

    stage: str  # "fetching", "loading", "ready"
    done: int
    total: int | None  # None: not known
    unit: Literal["bytes", "shards", "steps"]


OnProgress = Callable[[Progress], None]


def unheard(_: Progress) -> None:
    """Take progress and tell nobody."""


class Engine(Protocol):
    """A model that is ready to answer."""

    @property
    def control_tokens(self) -> frozenset[str]:
        """Strings that the checkpoint's tokenizer does not read as plain text."""
        ...

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[str, None, None]:
        """Yield pieces of text as they are produced; joined, they are the whole output.

        Requests are answered one after the other, in the order in which they are first read.
        Closing the iterator stops the generation.

        Raises:
            EngineError: the model failed; TooLongError: the prompt does not fit.
        """
        ...

    def close(self) -> None:
        """Free the memory or connection. The engine is not used afterwards."""
        ...
