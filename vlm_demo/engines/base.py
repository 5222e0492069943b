"""The seam between the program and whatever produces tokens."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from PIL.Image import Image

from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.translatable_text import DisplayText
from vlm_demo.values import Polygon, Prompt, Region, Sampling, TextChunk


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long step has come."""

    stage: str  # "connecting", "fetching", "loading", "converting"
    done: int
    total: int | None  # None: not known
    unit: Literal["bytes", "shards", "steps"]
    shards: tuple[int, int] = (0, 0)  # files that are loaded, and all; (0, 0): not counted


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """Bytes that another model could take."""

    ram: int
    gpu: int | None = None  # of all GPUs together; None: models run on the CPU

    @property
    def for_model(self) -> int:
        """Bytes where a model would be loaded."""
        return self.ram if self.gpu is None else self.gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How an engine shares its time and memory among requests."""

    batch: int = 8  # requests that are answered at the same time
    waiting: int = 20  # further requests that may wait; one more is refused
    timeout_s: float = 600.0  # seconds after which an answer ends
    cache: CacheBudget = field(default_factory=lambda: CacheBudget(2 << 30))
    threads: int | None = None  # CPU threads; None: as torch chooses


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an engine is doing, and how much it has reused, counted since it was opened."""

    answering: int = 0
    waiting: int = 0
    requests: int = 0
    prompt_tokens: int = 0  # of all prompts, pictures included
    reused_tokens: int = 0  # of these, those found in the prefix cache
    images: int = 0  # that the vision tower was to encode
    reused_images: int = 0  # of these, those whose features were cached
    cached_bytes: int = 0
    cache_limit: int = 0  # bytes
    steps: int = 0  # decode steps
    tokens: int = 0  # decoded in these steps, over all requests
    weight_bytes: int = 0  # of the model in this machine's memory
    number_format: str = ""  # of the loaded model, such as "float32" or "4-bit"; "": not known


def combine_usages(usages: Iterable[Usage | None]) -> Usage | None:
    """Return the usage of several engines together; None: none of them is loaded."""
    known = [usage for usage in usages if usage is not None]
    if len(known) < 2:
        return known[0] if known else None
    formats = sorted({usage.number_format for usage in known})
    numbers = [one.name for one in fields(Usage) if one.name != "number_format"]
    sums = {name: sum(getattr(usage, name) for usage in known) for name in numbers}
    sums["cache_limit"] = max(usage.cache_limit for usage in known)  # they share one budget
    return Usage(**sums, number_format=", ".join(filter(None, formats)))


OnProgress = Callable[[Progress], None]
"""Callback for progress; what it raises ends the step."""


def ignore_progress(_: Progress) -> None:
    """Do nothing with progress."""


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """What a model is given for a prompt. Nothing is generated to find that out."""

    prompt: Prompt
    text: str  # as the template writes it, before pictures are expanded to tokens
    token_text: str  # its tokens as text, with those of pictures counted: "<image> x 576"
    tokens: int  # length of the prompt, pictures included
    image_tokens: int  # how many of the tokens stand for pictures
    images: tuple[Image, ...]  # as the model sees them, tile by tile
    note: DisplayText = ""  # why there are no pictures although some were expected


class ImageKind(StrEnum):
    """What kind of picture an image is, as far as it decides which model should be asked."""

    PHOTOGRAPH = "photograph"
    DRAWN_SCENE = "drawn scene"  # as `vlm_demo.scenes` draws them
    SCREEN = "screen"  # a screenshot, chart, table or document


@runtime_checkable
class ImageKindRecognizer(Protocol):
    """An engine that can tell what kind of picture an image is."""

    def recognize(self, image: Image) -> ImageKind | None:
        """Return the kind of an image; None: it shows nothing, such as a plain black one."""
        ...


@runtime_checkable
class Segmenter(Protocol):
    """An engine that outlines what regions mark."""

    def outline(self, image: Image, regions: Sequence[Region]) -> tuple[Polygon | None, ...]:
        """Return the outline of what each region marks; None: nothing was found there.

        Raises:
            OutOfMemoryError: the masks do not fit into memory.
            EngineError: the model failed, or was unloaded.
        """
        ...


class Engine(Protocol):
    """A model that is ready to answer."""

    @property
    def control_tokens(self) -> frozenset[str]:
        """Strings that the checkpoint's tokenizer does not read as plain text."""
        ...

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Yield chunks of text as they are produced; joined, they are the whole output.

        While the request waits, empty chunks give its queue position. The last chunk, which may be
        empty, says why the answer ends (`TextChunk.stop`). Closing the iterator stops the
        generation; the chunks so far remain valid.

        Raises:
            QueueFullError: too many requests are waiting.
            AnswerTimeoutError: it took too long.
            TooLongError: the prompt does not fit.
            EngineError: the model failed.
        """
        ...

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        """Return the log-probability of each choice as the whole answer, in the order given.

        They are natural logarithms, summed over the tokens of a choice and the end of the answer.

        Raises:
            NoScoresError: the engine cannot compute them.
            EngineError: as `stream` does.
        """
        ...

    def usage(self) -> Usage:
        """Return what the engine is doing. Safe at any time."""
        ...

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Return what exactly the model is given for a prompt. Safe while answers are running.

        Raises:
            EngineError: the prompt cannot be rendered, or the engine does not know.
        """
        ...

    def close(self) -> None:
        """Free the memory or connection. The engine is not used afterwards."""
        ...
