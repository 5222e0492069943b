"""Runs a checkpoint on this machine with transformers."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any
from weakref import finalize

from vlm_demo.engines.base import OnProgress, RenderedPrompt, Serving, Usage, ignore_progress
from vlm_demo.engines.load_options import LoadOptions
from vlm_demo.engines.local.checkpoints.loading import LoadedCheckpoint, load
from vlm_demo.engines.local.checkpoints.memory import footprint, free_memory, precision
from vlm_demo.engines.local.checkpoints.processors import number_tags
from vlm_demo.engines.local.checkpoints.runnable import fetch_runnable
from vlm_demo.engines.local.counters import Statistics
from vlm_demo.engines.local.decoding.answers import (
    AnswerInProgress,
    ChoiceAnswer,
    FreeTextAnswer,
    ScoredAnswer,
)
from vlm_demo.engines.local.decoding.grammars import GrammarCompiler
from vlm_demo.engines.local.decoding.selection import select_decoder
from vlm_demo.engines.local.decoding.small_batch_linear import speed_up_small_batches
from vlm_demo.engines.local.failures import free_device_memory
from vlm_demo.engines.local.inputs.context import check_length, context_limit
from vlm_demo.engines.local.inputs.encoding import OPEN_REASONING, EncodedPrompt, PromptEncoder
from vlm_demo.engines.local.inputs.request_memory import check_request
from vlm_demo.engines.local.scheduling.continuous_batching import ContinuousBatcher
from vlm_demo.engines.local.scheduling.generation_job import GenerationJob
from vlm_demo.engines.local.scheduling.sampling import LogitsProcessorFactory
from vlm_demo.engines.local.scheduling.sequential import SequentialRunner
from vlm_demo.engines.local.scheduling.worker import Runner, Worker
from vlm_demo.errors import TooLongError
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.values import Prompt, Sampling, TextChunk


class LocalEngine:
    """Answers requests with one loaded checkpoint.

    Prompts are encoded in their readers' threads; a single thread runs the model.
    """

    def __init__(
        self,
        checkpoint: LoadedCheckpoint,
        *,
        context: int | None = None,
        serving: Serving | None = None,
    ) -> None:
        serving = serving or Serving()
        model = checkpoint.model
        self._model: Any = model
        self._config, self._dtype, self._device = model.config, model.dtype, model.device.type
        self._encoder = PromptEncoder(
            *(checkpoint.processor, model, serving.cache),
            film_input=checkpoint.architecture.film_input,
        )
        self._context = context_limit(self._config, context)
        self._end_tokens = self._encoder.end_tokens
        self._timeout_s = serving.timeout_s
        self._budget = serving.cache
        self._grammars = GrammarCompiler(
            self._encoder.tokenizer, self._config.get_text_config().vocab_size, self._end_tokens
        )
        self._statistics = Statistics()
        runner = self._runner_for(checkpoint.architecture, serving)
        self._runner: Runner | None = runner  # None: closed
        max_active = serving.batch if isinstance(runner, ContinuousBatcher) else 1
        self._worker = Worker(runner, serving, max_active)
        # A thread that still computes while the interpreter ends would abort the process.
        self._at_exit = finalize(self, self._worker.close)

    def _runner_for(self, architecture: Architecture, serving: Serving) -> Runner:
        model, encoder, statistics = self._model, self._encoder, self._statistics
        processors = LogitsProcessorFactory(
            model, encoder.tokenizer, encoder.image_token_ids, self._end_tokens
        )
        decoder = select_decoder(model, architecture)
        if decoder is None:
            return SequentialRunner(model, processors, serving.cache, statistics)
        speed_up_small_batches(model)
        return ContinuousBatcher(decoder, processors, serving.cache, statistics, serving.batch)

    @classmethod
    def load(
        cls,
        options: LoadOptions,
        serving: Serving | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> LocalEngine:
        """Load a checkpoint, fetching it first if it is not on disk.

        Raises:
            LoadError: it cannot be fetched or loaded.
            OutOfMemoryError: it does not fit into memory.
        """
        folder = fetch_runnable(options, on_progress)
        checkpoint = load(folder, options, on_progress)
        return cls(checkpoint, context=options.context, serving=serving)

    @property
    def control_tokens(self) -> frozenset[str]:
        """The tokenizer's special tokens, and its added tokens that look like tags."""
        return self._encoder.control_tokens

    def inspect(self, prompt: Prompt) -> RenderedPrompt:
        """Return what exactly the model is given for a prompt, without running the model.

        Raises:
            EngineError: the prompt cannot be rendered, or the model was unloaded.
        """
        self._worker.check_open()
        return self._encoder.inspect(prompt)

    def stream(self, prompt: Prompt, sampling: Sampling) -> Generator[TextChunk, None, None]:
        """Yield chunks of text as they are produced.

        Requests are answered together where the model allows it, or else one after the other; while
        one waits, empty chunks give its queue position. Closing the iterator stops the generation
        after the token that is being computed.

        Raises:
            QueueFullError: too many requests are waiting.
            AnswerTimeoutError: it took too long.
            TooLongError: the prompt does not fit.
            OutOfMemoryError: the answer does not fit into memory.
            EngineError: the model failed, or was closed.
        """
        self._worker.check_open()
        encoded = self._encode(prompt)
        answer: AnswerInProgress
        if prompt.choices:
            answer = self._choice_answer(prompt, encoded)
        else:
            answer = self._free_text_answer(prompt, encoded)
        job = self._job(encoded, answer, sampling, prompt.visitor)
        self._worker.submit(job)
        try:
            yield from job.chunks()
        finally:
            job.cancelled.set()

    def score(self, prompt: Prompt, choices: Sequence[str]) -> list[float]:
        """Return the log-probability of each choice as the whole answer, in the order given.

        The prompt is computed once. The choices are then answers to it that are forced token by
        token, in one batch where the model allows it.

        Raises:
            EngineError: as `stream` does.
        """
        self._worker.check_open()
        encoded = self._encode(replace(prompt, choices=tuple(choices)))
        end = self._end_token()
        answers = [ScoredAnswer(ids, end) for ids in self._choice_tokens(encoded, choices)]
        jobs = [self._job(encoded, answer, Sampling(), prompt.visitor) for answer in answers]
        self._worker.submit(*jobs, always=True)
        try:
            for job in jobs:
                for _ in job.chunks():
                    pass
        finally:
            for job in jobs:
                job.cancelled.set()
        return [answer.logprob for answer in answers]

    def usage(self) -> Usage:
        """Return what the engine is doing, and how much it has reused."""
        model = self._model
        answering, waiting = self._worker.counts()
        return self._statistics.usage(
            answering=answering,
            waiting=waiting,
            cached_bytes=self._cache_bytes,
            cache_limit=self._budget.limit,
            weight_bytes=footprint(model) if model else 0,
            number_format=precision(model) if model else "",
        )

    def close(self) -> None:
        """End all streams with an EngineError, stop the model, and free its memory."""
        self._at_exit()
        self._encoder.close()
        self._runner = self._model = None
        free_device_memory()

    @property
    def _cache_bytes(self) -> int:
        return self._encoder.cache_bytes + (self._runner.cache_bytes if self._runner else 0)

    def _encode(self, prompt: Prompt) -> EncodedPrompt:
        encoded = self._encoder.encode(prompt)
        check_length(len(encoded.ids), self._context)
        return encoded

    def _job(
        self,
        encoded: EncodedPrompt,
        answer: AnswerInProgress,
        sampling: Sampling,
        visitor: str = "",
    ) -> GenerationJob:
        """Build the job of a request.

        Raises:
            TooLongError: prompt and answer do not fit together.
            OutOfMemoryError: they would not fit into memory, even with empty caches.
        """
        longest = answer.max_tokens or sampling.max_new_tokens
        room = self._context or len(encoded.ids) + longest
        if not self._encoder.is_encoder_decoder:
            room -= len(encoded.ids)
        if answer.max_tokens and answer.max_tokens > room:
            raise TooLongError("The choices are too long for this model. Shorten them.")
        new_tokens = min(longest, room)
        check_request(
            self._config,
            prompt_tokens=len(encoded.ids),
            image_tokens=encoded.image_tokens,
            history_tokens=encoded.history_tokens,
            new_tokens=new_tokens,
            free=free_memory(self._device).for_model + self._budget.size,
            dtype=self._dtype,
        )
        return GenerationJob(
            encoded,
            answer,
            sampling,
            max_new_tokens=new_tokens,
            end_tokens=self._end_tokens,
            timeout_s=self._timeout_s,
            visitor=visitor,
        )

    def _free_text_answer(self, prompt: Prompt, encoded: EncodedPrompt) -> FreeTextAnswer:
        reasoning = OPEN_REASONING.search(encoded.text)
        constraints = []
        if prompt.pattern:
            constraints.append(self._grammars.compile_pattern(prompt.pattern))
        if prompt.schema:
            constraints.append(self._grammars.compile_schema(prompt.schema))
        return FreeTextAnswer(
            self._encoder.tokenizer,
            [] if self._encoder.is_encoder_decoder else encoded.ids,
            keep_special=prompt.keep_special_tokens,
            number_tags=number_tags(self._encoder.processor),
            stop=prompt.stop,
            begins_with=reasoning[0] if reasoning else "",
            blank_first=any(constraint.blank_first for constraint in constraints),
            processors=constraints,
        )

    def _choice_answer(self, prompt: Prompt, encoded: EncodedPrompt) -> ChoiceAnswer:
        ids = self._choice_tokens(encoded, prompt.choices)
        return ChoiceAnswer(prompt.choices, ids, self._end_token(), self._encoder.tokenizer)

    def _choice_tokens(self, encoded: EncodedPrompt, choices: Sequence[str]) -> list[list[int]]:
        return [self._encoder.answer_tokens(encoded.text, choice) for choice in choices]

    def _end_token(self) -> int:
        """Return the token that ends an answer which is given."""
        own = self._encoder.tokenizer.eos_token_id
        return own if own in self._end_tokens else min(self._end_tokens, default=0)
