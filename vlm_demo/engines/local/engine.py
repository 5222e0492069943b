"""A checkpoint run on this machine with transformers."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any
from weakref import finalize

from vlm_demo.engines.base import (
    Dtype,
    OnProgress,
    Quantization,
    RenderedPrompt,
    Serving,
    Usage,
    ignore_progress,
)
from vlm_demo.engines.local.checkpoints.fetching import checkpoint_config, fetch, folder_on_disk
from vlm_demo.engines.local.checkpoints.loading import load, require_known
from vlm_demo.engines.local.checkpoints.memory import (
    check_request,
    footprint,
    free_memory,
    precision,
)
from vlm_demo.engines.local.checkpoints.processors import number_tags
from vlm_demo.engines.local.decoding.acceleration import accelerated
from vlm_demo.engines.local.decoding.answers import Answer, ChosenAnswer, FreeAnswer, ScoredAnswer
from vlm_demo.engines.local.decoding.constraints import Grammars
from vlm_demo.engines.local.decoding.decoders import decoder_for
from vlm_demo.engines.local.decoding.few_rows import speed_up
from vlm_demo.engines.local.failures import free_device_memory, typed
from vlm_demo.engines.local.inputs.encoding import OPEN_THOUGHT, Encoded, Encoder
from vlm_demo.engines.local.scheduling.continuous_batching import Stepper
from vlm_demo.engines.local.scheduling.jobs import Job
from vlm_demo.engines.local.scheduling.sampling import Processors
from vlm_demo.engines.local.scheduling.sequential import TurnTaker
from vlm_demo.engines.local.scheduling.worker import Runner, Worker
from vlm_demo.engines.local.statistics import Statistics
from vlm_demo.errors import TooLongError, VlmDemoError
from vlm_demo.settings import Device
from vlm_demo.values import Prompt, Sampling, TextChunk


class LocalEngine:
    """Holds one loaded checkpoint.

    Prompts are made into tensors in their readers' threads; one thread runs the model.
    """

    def __init__(
        self,
        processor: Any,
        model: Any,
        *,
        context: int | None = None,
        serving: Serving | None = None,
    ) -> None:
        serving = serving or Serving()
        self._model: Any = model
        self._config, self._dtype, self._device = model.config, model.dtype, model.device.type
        self._encoder = Encoder(processor, model, serving.cache)
        self._context = context_limit(self._config, context)
        self._end_tokens = _end_tokens(model, self._encoder.tokenizer)
        self._timeout_s = serving.timeout_s
        self._budget = serving.cache
        self._grammars = Grammars(
            self._encoder.tokenizer, self._config.get_text_config().vocab_size, self._end_tokens
        )
        self._statistics = Statistics()
        runner = self._runner_for(serving)
        self._runner: Runner | None = runner  # None: closed
        most_active = serving.batch if isinstance(runner, Stepper) else 1
        self._worker = Worker(runner, serving, most_active)
        # A thread that still computes while the interpreter ends would abort the process.
        self._at_exit = finalize(self, self._worker.close)

    def _runner_for(self, serving: Serving) -> Runner:
        model, encoder, statistics = self._model, self._encoder, self._statistics
        processors = Processors(model, encoder.tokenizer, encoder.picture_tokens, self._end_tokens)
        decoder = decoder_for(model)
        if decoder is None:
            return TurnTaker(model, processors, serving.cache, statistics)
        decoder = accelerated(decoder, model)
        speed_up(model)
        return Stepper(decoder, processors, serving.cache, statistics, serving.batch)

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
        device: Device = "auto",
        serving: Serving | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> LocalEngine:
        """Load a Hub id or a folder, fetching it first where it is not on disk.

        Raises:
            LoadError: it cannot be fetched or loaded.
            OutOfMemoryError: it does not fit into memory.
        """
        if folder_on_disk(checkpoint, revision) is None:  # find out before gigabytes are fetched
            config = checkpoint_config(checkpoint, revision)
            require_known(config, trust_remote_code=trust_remote_code)
        folder = fetch(checkpoint, revision, on_progress, with_code=trust_remote_code)
        processor, model = load(
            folder,
            dtype=dtype,
            quantization=quantization,
            trust_remote_code=trust_remote_code,
            device=device,
            on_progress=on_progress,
        )
        return cls(processor, model, context=context, serving=serving)

    @property
    def control_tokens(self) -> frozenset[str]:
        """The tokenizer's special tokens, and its added tokens that look like tags."""
        return self._encoder.control_tokens

    def render(self, prompt: Prompt) -> str:
        """Return the text that the model is given, before pictures take their places in it.

        Raises:
            EngineError: neither the prompt nor the checkpoint has a chat template.
        """
        return self._encoder.render(prompt)

    def count_tokens(self, prompt: Prompt) -> int:
        """Return the length of the prompt in tokens, those of its pictures included."""
        return len(self._encoder.encode(prompt).ids)

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Say what exactly the model is given for a prompt; only the processor works.

        Raises:
            EngineError: the prompt cannot be rendered, or the model was unloaded.
        """
        self._worker.check_open()
        return self._encoder.inspect(prompt)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Yield pieces of text as they are produced.

        Requests are answered together where the model allows it, else one after the other; while
        one waits, empty pieces tell its place in the queue (`ahead`). Closing the iterator stops
        the generation after the token that is being computed.

        Raises:
            QueueFullError: too many requests are waiting.
            AnswerTimeoutError: it took too long.
            TooLongError: the prompt does not fit.
            OutOfMemoryError: the answer does not fit into memory.
            EngineError: the model failed, or was closed.
        """
        self._worker.check_open()
        encoded = self._encoded(prompt)
        if prompt.choices:
            job = self._job(encoded, self._chosen(prompt, encoded), sampling)
        else:
            job = self._job(encoded, self._free(prompt, encoded), sampling)
        self._worker.submit(job)
        try:
            yield from job.pieces()
        finally:
            job.stop.set()

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        """Return the log-probability of each choice as the whole answer, in the order given.

        The prompt is computed once; the choices are then answers to the same prompt, each forced
        token by token, together in a batch where the model allows it.

        Raises:
            EngineError: as `stream` does.
        """
        self._worker.check_open()
        encoded = self._encoded(replace(prompt, choices=tuple(choices)))
        end = self._end_token()
        answers = [ScoredAnswer(ids, end) for ids in self._continuations(encoded, choices)]
        jobs = [self._job(encoded, answer, Sampling()) for answer in answers]
        self._worker.submit(*jobs, always=True)
        try:
            for job in jobs:
                for _ in job.pieces():
                    pass
        finally:
            for job in jobs:
                job.stop.set()
        return [answer.logprob for answer in answers]

    def usage(self) -> Usage:
        """Say what the engine is doing, and what it has saved."""
        model = self._model
        answering, waiting = self._worker.counts()
        return self._statistics.usage(
            answering=answering,
            waiting=waiting,
            cached_bytes=self._kept_bytes,
            cache_limit=self._budget.limit,
            weight_bytes=footprint(model) if model else 0,
            precision=precision(model) if model else "",
        )

    def close(self) -> None:
        """Stop what is running, end all streams with an EngineError, and free the memory."""
        self._at_exit()
        self._encoder.close()
        self._runner = self._model = None
        free_device_memory()

    @property
    def _kept_bytes(self) -> int:
        return self._encoder.kept_bytes + (self._runner.kept_bytes if self._runner else 0)

    def _encoded(self, prompt: Prompt) -> Encoded:
        try:
            encoded = self._encoder.encode(prompt)
        except VlmDemoError:
            raise
        except Exception as error:  # whatever a processor makes of a prompt
            raise typed(error) from error
        check_length(len(encoded.ids), self._context)
        return encoded

    def _job(self, encoded: Encoded, answer: Answer, sampling: Sampling) -> Job:
        """Put a request together.

        Raises:
            TooLongError: prompt and answer do not fit together.
            OutOfMemoryError: they would not fit into memory, whatever else is forgotten.
        """
        longest = answer.length or sampling.max_new_tokens
        room = self._context or len(encoded.ids) + longest
        if not self._encoder.reads_apart:
            room -= len(encoded.ids)
        if answer.length and answer.length > room:
            raise TooLongError("The choices are too long for this model. Please shorten them.")
        new_tokens = min(longest, room)
        check_request(
            self._config,
            prompt_tokens=len(encoded.ids),
            picture_tokens=encoded.picture_tokens,
            history_tokens=encoded.history_tokens,
            new_tokens=new_tokens,
            free=free_memory(self._device).for_model + self._budget.size,
            dtype=self._dtype,
        )
        return Job(
            encoded,
            answer,
            sampling,
            max_new_tokens=new_tokens,
            end_tokens=self._end_tokens,
            timeout_s=self._timeout_s,
        )

    def _free(self, prompt: Prompt, encoded: Encoded) -> FreeAnswer:
        thought = OPEN_THOUGHT.search(encoded.text)
        grammar = []
        if prompt.pattern:
            grammar.append(self._grammars.pattern(prompt.pattern))
        if prompt.schema:
            grammar.append(self._grammars.schema(prompt.schema))
        return FreeAnswer(
            self._encoder.tokenizer,
            [] if self._encoder.reads_apart else encoded.ids,
            keep_special=prompt.keep_special_tokens,
            number_tags=number_tags(self._encoder.processor),
            stop=prompt.stop,
            begins_with=thought[0] if thought else "",
            blank_first=any(rule.blank_first for rule in grammar),
            processors=grammar,
        )

    def _chosen(self, prompt: Prompt, encoded: Encoded) -> ChosenAnswer:
        ids = self._continuations(encoded, prompt.choices)
        return ChosenAnswer(prompt.choices, ids, self._end_token())

    def _continuations(self, encoded: Encoded, choices: Sequence[str]) -> list[list[int]]:
        return [self._encoder.continuation(encoded.text, choice) for choice in choices]

    def _end_token(self) -> int:
        """Return the token that ends an answer where one has to be given."""
        own = self._encoder.tokenizer.eos_token_id
        return own if own in self._end_tokens else min(self._end_tokens, default=0)


def check_length(length: int, limit: int | None) -> None:
    """Refuse a prompt that leaves no room for an answer.

    Raises:
        TooLongError: it is as long as the limit, or longer.
    """
    if limit is not None and length >= limit:
        raise TooLongError(
            f"This is too long for the model: {length:,} tokens, {length - limit + 1:,} too "
            f"many: it can take {limit - 1:,}. Please shorten it, or clear the conversation."
        )


def context_limit(config: Any, wanted: int | None) -> int | None:
    """Return how many tokens prompt and answer may have together, or each in encoder-decoders."""
    own = getattr(config.get_text_config(), "max_position_embeddings", None)
    return min((limit for limit in (own, wanted) if limit), default=None)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end an answer."""
    own = model.generation_config.eos_token_id
    several = own if isinstance(own, list) else [own]
    return frozenset(token for token in (*several, tokenizer.eos_token_id) if token is not None)
