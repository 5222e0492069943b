"""A checkpoint on Hugging Face's ZeroGPU: every request is lent a GPU, in a process of its own.

There (https://huggingface.co/docs/hub/spaces-zerogpu) the program itself has no GPU. A call of a
function that is marked with `spaces.GPU` runs in a process that is forked for it and has a GPU for
as many seconds as were asked for. What is passed and yielded is pickled; errors arrive as no more
than a name. The process may serve later calls as well, so what it has loaded stays.

The program therefore only reads prompts, which takes no weights, and touches CUDA nowhere. The
process opens the engine that runs everywhere else, with a thread of its own, from the files on
disk. ZeroGPU's other way, weights that are put on "cuda" before the fork, is for models that are
loaded while the program starts, by the thread that imported `spaces`; here they are loaded when
they are chosen, in threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import spaces  # type: ignore[import-not-found]  # before torch; only Spaces have it
from transformers import AutoConfig, AutoModelForImageTextToText, GenerationConfig
from transformers.dynamic_module_utils import get_class_from_dynamic_module

from vlm_demo.engines.base import (
    Dtype,
    OnProgress,
    Quantization,
    RenderedPrompt,
    Serving,
    Usage,
    ignore_progress,
)
from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.checkpoints.fetching import checkpoint_config, fetch, folder_on_disk
from vlm_demo.engines.local.checkpoints.loading import require_known
from vlm_demo.engines.local.checkpoints.processors import load_processor
from vlm_demo.engines.local.checkpoints.weights import read_weights
from vlm_demo.engines.local.engine import LocalEngine, check_length, context_limit
from vlm_demo.engines.local.failures import typed
from vlm_demo.engines.local.inputs.encoding import Encoded, Encoder
from vlm_demo.engines.local.statistics import Statistics
from vlm_demo.errors import (
    AnswerTimeoutError,
    EngineError,
    LoadError,
    OutOfMemoryError,
    QueueFullError,
    VlmDemoError,
)
from vlm_demo.values import Prompt, Sampling, TextChunk

# How long an answer takes. None of it has been measured on ZeroGPU: these are careful guesses for
# half an H200, several times slower than it could be. Asking for too much costs people priority in
# the queue, asking for too little the end of their answer.

START_S = 6.0
"""To fork a process and to set CUDA up in it."""

LOADED_BYTES_A_S = 1e9
"""Weights that come from disk to the GPU."""

PROMPT_OPERATIONS_A_S = 5e13
"""A prompt takes two operations for each weight and token."""

TOKEN_S = 0.04
"""What a token takes even with a small model."""

READ_BYTES_A_S = 1e12
"""Weights that the GPU reads, all of them for each token."""

LEAST_S = 10
"""Shortest time that is asked for."""

MOST_S = 120
"""Longest time that is asked for. People who are not signed in have two minutes a day, and calls
for more than they have are refused: https://huggingface.co/docs/hub/spaces-zerogpu#usage-tiers."""

MARGIN_S = 2.0
"""An answer ends by itself so long before the process would be stopped, and its text is lost."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How an engine is opened, wherever that is."""

    folder: str
    dtype: Dtype
    quantization: Quantization
    trust_remote_code: bool
    context: int | None
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
            self.folder,
            dtype=self.dtype,
            quantization=self.quantization,
            trust_remote_code=self.trust_remote_code,
            context=self.context,
            serving=Serving(
                batch=self.batch,
                timeout_s=self.timeout_s,
                cache=CacheBudget(self.cache_bytes),
                threads=self.threads,
            ),
        )


@dataclass(frozen=True, slots=True)
class Errand:
    """A request on its way to a process with a GPU."""

    plan: Plan
    prompt: Prompt
    sampling: Sampling
    choices: tuple[str, ...]  # to be scored; (): an answer is wanted
    seconds: int  # for which the GPU is asked for


Sent = TextChunk | list[float] | VlmDemoError
"""What comes back: pieces of an answer, scores, or why there is no more."""


# In the process with a GPU

_opened: dict[Plan, LocalEngine] = {}
"""The engines of this process, the least recently used first. The program itself has none here."""


def _run(errand: Errand) -> Generator[Sent, None, None]:
    """Answer a request. Closing the iterator stops the generation."""
    end = time.monotonic() + errand.seconds - MARGIN_S
    try:
        engine = _engine(errand.plan)
        if errand.choices:
            yield engine.score(errand.prompt, errand.choices)
            return
        with closing(engine.stream(errand.prompt, errand.sampling)) as pieces:
            for piece in pieces:
                yield piece
                if time.monotonic() > end:
                    raise AnswerTimeoutError(
                        f"The {errand.seconds} seconds of GPU time for this answer are over. "
                        "Please ask for a shorter answer."
                    )
    except VlmDemoError as error:  # raised, it would lose its words on the way
        yield error


def _engine(plan: Plan) -> LocalEngine:
    """Return the engine for a plan; others are closed if it does not fit beside them."""
    engine = _opened.pop(plan, None)
    while engine is None:
        try:
            engine = plan.open()
        except OutOfMemoryError:
            if not _opened:
                raise
            _opened.pop(next(iter(_opened))).close()
    _opened[plan] = engine
    return engine


_run_on_gpu: Callable[[Errand], Generator[Sent, None, None]]
_run_on_gpu = spaces.GPU(duration=lambda errand: errand.seconds)(_run)


# In the program


class ZeroGpuEngine:
    """Reads prompts here, and has them answered where there is a GPU."""

    def __init__(
        self, encoder: Encoder, config: Any, plan: Plan, *, weight_bytes: int, most_requests: int
    ) -> None:
        self._encoder = encoder
        self._plan = plan
        self._limit = context_limit(config, plan.context)
        self._weight_bytes = weight_bytes
        self._most_requests = most_requests
        self._statistics = Statistics()
        self._lock = Lock()  # guards what follows
        self._answering = 0
        self._closed = False

    @classmethod
    def load(
        cls,
        checkpoint: str,
        *,
        revision: str | None = None,
        dtype: Dtype = "auto",
        quantization: Quantization = "none",
        trust_remote_code: bool = False,
        context: int | None = None,
        serving: Serving | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> ZeroGpuEngine:
        """Fetch a Hub id or a folder, and read all of it but the weights.

        Raises:
            LoadError: it cannot be fetched or read.
        """
        serving = serving or Serving()
        if folder_on_disk(checkpoint, revision) is None:
            found = checkpoint_config(checkpoint, revision)
            require_known(found, trust_remote_code=trust_remote_code)
        folder = fetch(checkpoint, revision, on_progress, with_code=trust_remote_code)
        weight_bytes = read_weights(folder).stored_bytes
        outline = _outline(folder, trust_remote_code=trust_remote_code)
        return cls(
            Encoder(outline.processor, outline, serving.cache),
            outline.config,
            Plan(
                str(folder),
                dtype,
                quantization,
                trust_remote_code,
                context,
                serving.batch,
                serving.timeout_s,
                serving.cache.limit,
                serving.threads,
            ),
            weight_bytes=weight_bytes,
            most_requests=serving.batch + serving.waiting,
        )

    @property
    def control_tokens(self) -> frozenset[str]:
        """The tokenizer's special tokens, and its added tokens that look like tags."""
        return self._encoder.control_tokens

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Say what exactly the model is given for a prompt; no GPU is needed.

        Raises:
            EngineError: the prompt cannot be rendered, or the model was unloaded.
        """
        self._check_open()
        return self._encoder.inspect(prompt)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Yield pieces of text as they are produced.

        Closing the iterator stops the generation with its next piece, and gives the GPU back.

        Raises:
            QueueFullError: too many requests are waiting.
            AnswerTimeoutError: it took longer than a GPU is lent for.
            TooLongError: the prompt does not fit.
            EngineError: the model failed, was closed, or ZeroGPU has no GPU for it.
        """
        errand = self._errand(prompt, sampling, sampling.max_new_tokens)
        for sent in self._sent(errand):
            if isinstance(sent, TextChunk):
                yield sent

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        """Return the log-probability of each choice as the whole answer, in the order given.

        Raises:
            EngineError: as `stream` does.
        """
        letters = sum(map(len, choices))  # a token has at least one, but for rare scripts
        errand = self._errand(prompt, Sampling(), letters, tuple(choices))
        return [score for sent in self._sent(errand) if isinstance(sent, list) for score in sent]

    def usage(self) -> Usage:
        """Say what the engine is doing. What its processes keep for later is not known here."""
        return self._statistics.usage(
            answering=self._answering,
            cached_bytes=self._encoder.kept_bytes,
            cache_limit=self._plan.cache_bytes,
        )

    def close(self) -> None:
        """End running answers with an EngineError, at their next piece."""
        self._closed = True
        self._encoder.close()

    def _errand(
        self, prompt: Prompt, sampling: Sampling, new_tokens: int, choices: tuple[str, ...] = ()
    ) -> Errand:
        self._check_open()
        length = len(self._encoded(prompt).ids)
        check_length(length, self._limit)
        self._statistics.prompt(length, 0)
        seconds = gpu_seconds(self._weight_bytes, length, new_tokens)
        return Errand(self._plan, prompt, sampling, choices, seconds)

    def _encoded(self, prompt: Prompt) -> Encoded:
        try:
            return self._encoder.encode(prompt)
        except VlmDemoError:
            raise
        except Exception as error:  # whatever a processor makes of a prompt
            raise typed(error) from error

    def _sent(self, errand: Errand) -> Generator[Sent, None, None]:
        self._enter()
        try:
            with closing(_run_on_gpu(errand)) as everything:
                for sent in everything:
                    if isinstance(sent, VlmDemoError):
                        raise sent
                    self._check_open()
                    yield sent
        except VlmDemoError:
            raise
        except Exception as error:  # the border of ZeroGPU: no GPU is free, a quota is used up
            said = getattr(error, "message", error)
            raise EngineError(f"ZeroGPU did not answer: {said!s}") from error
        finally:
            with self._lock:
                self._answering -= 1

    def _enter(self) -> None:
        with self._lock:
            if self._answering >= self._most_requests:
                raise QueueFullError(
                    f"This model is busy with {self._answering} requests. Please try again in a "
                    "moment."
                )
            self._answering += 1

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("This model was unloaded. Please ask again.")


def gpu_seconds(weight_bytes: int, prompt_tokens: int, new_tokens: int) -> int:
    """Return for how long a GPU is asked for, if the model has to be loaded first."""
    operations = weight_bytes * prompt_tokens  # twice the weights, each of two bytes
    seconds = (
        START_S
        + weight_bytes / LOADED_BYTES_A_S
        + operations / PROMPT_OPERATIONS_A_S
        + new_tokens * (TOKEN_S + weight_bytes / READ_BYTES_A_S)
    )
    return min(max(math.ceil(seconds), LEAST_S), MOST_S)


@dataclass(frozen=True, slots=True)
class _Outline:
    """What can be read of a model without its weights."""

    processor: Any
    config: Any
    generation_config: GenerationConfig
    forward: Callable[..., Any]


def _outline(folder: Path, *, trust_remote_code: bool) -> _Outline:
    try:
        config: Any = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        own_code = getattr(config, "auto_map", {}).get("AutoModelForImageTextToText")
        if own_code and trust_remote_code:
            model_class: Any = get_class_from_dynamic_module(own_code, folder)
        else:
            model_class = AutoModelForImageTextToText._model_mapping[type(config)]
        return _Outline(
            load_processor(folder, trust_remote_code=trust_remote_code),
            config,
            (
                GenerationConfig.from_pretrained(folder)
                if (folder / "generation_config.json").is_file()
                else GenerationConfig.from_model_config(config)
            ),
            model_class.forward,
        )
    except (OSError, ValueError, ImportError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(f"The model in {folder} could not be loaded: {error}") from error
