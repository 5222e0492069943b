"""What runs in the process that has a GPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

import spaces  # type: ignore[import-not-found]

from vlm_demo.engines.base import Serving
from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.errors import AnswerTimeoutError, OutOfMemoryError, VlmDemoError
from vlm_demo.values import Prompt, Sampling, TextChunk

MARGIN_S = 2.0
"""Seconds before the process would be stopped at which an answer ends by itself: once the process
is stopped, its text is lost."""


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """How a process opens an engine."""

    load: LoadOptions
    batch: int
    timeout_s: float
    cache_bytes: int
    threads: int | None

    def open(self) -> LocalEngine:
        """Load the model.

        Raises:
            EngineError: as `LocalEngine.load` does.
        """
        return LocalEngine.load(
            self.load,
            Serving(
                batch=self.batch,
                timeout_s=self.timeout_s,
                cache=CacheBudget(self.cache_bytes),
                threads=self.threads,
            ),
        )


@dataclass(frozen=True, slots=True)
class GpuRequest:
    """A request that is sent to a process with a GPU."""

    options: ProcessOptions
    prompt: Prompt
    sampling: Sampling
    choices: tuple[str, ...]  # to be scored; (): an answer is wanted
    seconds: int  # for which a GPU is requested


GpuOutput = TextChunk | list[float] | VlmDemoError
"""What comes back: chunks of an answer, scores, or why there is no more."""

_engines: dict[ProcessOptions, LocalEngine] = {}
"""The engines of this process, the least recently used first; empty in the program itself."""


def _run(request: GpuRequest) -> Generator[GpuOutput, None, None]:
    """Answer a request. Closing the iterator stops the generation."""
    end = time.monotonic() + request.seconds - MARGIN_S
    try:
        engine = _engine(request.options)
        if request.choices:
            yield engine.score(request.prompt, request.choices)
            return
        with closing(engine.stream(request.prompt, request.sampling)) as chunks:
            for chunk in chunks:
                yield chunk
                if time.monotonic() > end:
                    raise AnswerTimeoutError(
                        "The {seconds} seconds of GPU time for this answer are used up. Ask "
                        "for a shorter answer.",
                        seconds=request.seconds,
                    )
    except VlmDemoError as error:  # if it were raised, its message would be lost on the way
        yield error


def _engine(options: ProcessOptions) -> LocalEngine:
    """Return the engine for some options; others are closed if it does not fit beside them."""
    engine = _engines.pop(options, None)
    while engine is None:
        try:
            engine = options.open()
        except OutOfMemoryError:
            if not _engines:
                raise
            _engines.pop(next(iter(_engines))).close()
    _engines[options] = engine
    return engine


run_on_gpu: Callable[[GpuRequest], Generator[GpuOutput, None, None]]
run_on_gpu = spaces.GPU(duration=lambda request: request.seconds)(_run)
