"""The seam between the program and whatever produces tokens."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, Protocol

from PIL.Image import Image

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


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """Bytes that another model could take."""

    ram: int
    gpu: int | None = None  # of all GPUs together; None: models run on the CPU

    @property
    def for_model(self) -> int:
        """Where a model would go."""
        return self.ram if self.gpu is None else self.gpu


OnProgress = Callable[[Progress], None]


def unheard(_: Progress) -> None:
    """Take progress and tell nobody."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a model is given for a prompt; to find out, nothing is generated."""

    prompt: Prompt
    text: str  # as the template writes it, before pictures take their places in it
    token_text: str  # its tokens as text, those of pictures counted: "<image> x 576"
    tokens: int  # length of the prompt, pictures included
    image_tokens: int  # how many of the tokens stand for pictures
    pictures: tuple[Image, ...]  # as the model sees them, tile by tile
    remark: str = ""  # why there are no pictures, where some were expected


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

    def inspect(self, prompt: Prompt) -> Inspection:
        """Say what exactly the model is given for a prompt. Safe beside running answers.

        Raises:
            EngineError: the prompt cannot be rendered, or the engine cannot tell.
        """
        ...

    def close(self) -> None:
        """Free the memory or connection. The engine is not used afterwards."""
        ...
