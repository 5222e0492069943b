"""The engine of the program itself: it encodes prompts, and has them answered where a GPU is."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from threading import Lock
from typing import Any

from vlm_demo.engines.base import OnProgress, RenderedPrompt, Serving, Usage, ignore_progress
from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.runnable import fetch_runnable
from vlm_demo.engines.local.checkpoints.weights import read_weights
from vlm_demo.engines.local.counters import Statistics
from vlm_demo.engines.local.inputs.context import check_length, context_limit
from vlm_demo.engines.local.inputs.encoding import PromptEncoder
from vlm_demo.engines.local.zerogpu.duration import gpu_seconds
from vlm_demo.engines.local.zerogpu.outline import load_outline
from vlm_demo.engines.local.zerogpu.process import (
    GpuOutput,
    GpuRequest,
    ProcessOptions,
    run_on_gpu,
)
from vlm_demo.errors import EngineError, QueueFullError, VlmDemoError
from vlm_demo.values import Prompt, Sampling, TextChunk


class ZeroGpuEngine:
    """Encodes prompts here, and has them answered where there is a GPU."""

    def __init__(
        self,
        encoder: PromptEncoder,
        config: Any,
        options: ProcessOptions,
        *,
        weight_bytes: int,
        max_requests: int,
    ) -> None:
        self._encoder = encoder
        self._options = options
        self._limit = context_limit(config, options.load.context)
        self._weight_bytes = weight_bytes
        self._max_requests = max_requests
        self._statistics = Statistics()
        self._lock = Lock()  # guards what follows
        self._answering = 0
        self._closed = False

    @classmethod
    def load(
        cls,
        options: LoadOptions,
        serving: Serving | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> ZeroGpuEngine:
        """Fetch a Hub id or a folder, and read all of it but the weights.

        Raises:
            LoadError: it cannot be fetched or read.
        """
        serving = serving or Serving()
        folder = fetch_runnable(options, on_progress)
        weight_bytes = read_weights(folder).disk_bytes
        outline = load_outline(folder, options)
        return cls(
            PromptEncoder(outline.processor, outline, serving.cache),
            outline.config,
            ProcessOptions(
                replace(options, checkpoint=str(folder), device="auto"),
                batch=serving.batch,
                timeout_s=serving.timeout_s,
                cache_bytes=serving.cache.limit,
                threads=serving.threads,
            ),
            weight_bytes=weight_bytes,
            max_requests=serving.batch + serving.waiting,
        )

    @property
    def control_tokens(self) -> frozenset[str]:
        """The tokenizer's special tokens, and its added tokens that look like tags."""
        return self._encoder.control_tokens

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Return what exactly the model is given for a prompt; no GPU is needed.

        Raises:
            EngineError: the prompt cannot be rendered, or the model was unloaded.
        """
        self._check_open()
        return self._encoder.inspect(prompt)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Yield chunks of text as they are produced.

        Closing the iterator stops the generation at its next chunk, and returns the GPU.

        Raises:
            QueueFullError: too many requests are waiting.
            AnswerTimeoutError: it took longer than the GPU was available.
            TooLongError: the prompt does not fit.
            EngineError: the model failed, was closed, or ZeroGPU has no GPU for it.
        """
        request = self._request(prompt, sampling, sampling.max_new_tokens)
        for output in self._run(request):
            if isinstance(output, TextChunk):
                yield output

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        """Return the log-probability of each choice as the whole answer, in the order given.

        Raises:
            EngineError: as `stream` does.
        """
        letters = sum(map(len, choices))  # a token has at least one, except in rare scripts
        request = self._request(prompt, Sampling(), letters, tuple(choices))
        outputs = self._run(request)
        return [score for output in outputs if isinstance(output, list) for score in output]

    def usage(self) -> Usage:
        """Return what the engine is doing. What its processes cache is not known here."""
        return self._statistics.usage(
            answering=self._answering,
            cached_bytes=self._encoder.cache_bytes,
            cache_limit=self._options.cache_bytes,
        )

    def close(self) -> None:
        """End running answers with an EngineError, at their next chunk."""
        self._closed = True
        self._encoder.close()

    def _request(
        self, prompt: Prompt, sampling: Sampling, new_tokens: int, choices: tuple[str, ...] = ()
    ) -> GpuRequest:
        self._check_open()
        length = len(self._encoder.encode(prompt).ids)
        check_length(length, self._limit)
        self._statistics.count_prompt(length, 0)
        seconds = gpu_seconds(self._weight_bytes, length, new_tokens)
        return GpuRequest(self._options, prompt, sampling, choices, seconds)

    def _run(self, request: GpuRequest) -> Generator[GpuOutput, None, None]:
        self._enter()
        try:
            with closing(run_on_gpu(request)) as outputs:
                for output in outputs:
                    if isinstance(output, VlmDemoError):
                        raise output
                    self._check_open()
                    yield output
        except VlmDemoError:
            raise
        except Exception as error:  # ZeroGPU's own: no GPU is free, or a quota is used up
            said = getattr(error, "message", error)
            raise EngineError("ZeroGPU did not answer: {said}", said=str(said)) from error
        finally:
            with self._lock:
                self._answering -= 1

    def _enter(self) -> None:
        with self._lock:
            if self._answering >= self._max_requests:
                raise QueueFullError(
                    "This model is busy with {answering} requests. Try again in a moment.",
                    answering=self._answering,
                )
            self._answering += 1

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("This model was unloaded. Ask again.")
