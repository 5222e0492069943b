"""Answers requests one after the other, with the model's own `generate`."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.counters import Statistics
from vlm_demo.engines.local.decoding.vision_tower_cache import CachedVisionTower
from vlm_demo.engines.local.failures import free_device_memory, is_out_of_memory
from vlm_demo.engines.local.inputs.device_transfer import move_to_device
from vlm_demo.engines.local.scheduling.generation_job import GenerationJob, OnJobEnd
from vlm_demo.engines.local.scheduling.sampling import LogitsProcessorFactory
from vlm_demo.errors import EngineError

log = logging.getLogger(__name__)


class SequentialRunner:
    """Runs one model whose requests cannot share a step, in one thread."""

    def __init__(
        self,
        model: Any,
        processors: LogitsProcessorFactory,
        budget: CacheBudget,
        statistics: Statistics,
    ) -> None:
        self._model = model
        self._processors = processors
        self._budget = budget
        self._statistics = statistics
        self._tower = CachedVisionTower(model, budget, statistics)
        self.active: list[GenerationJob] = []

    @property
    def has_room(self) -> bool:
        """Whether a request can begin; always, since the one before has ended."""
        return True

    def begin(self, job: GenerationJob) -> bool:
        """Answer a request to its end; return True.

        Raises:
            VlmDemoError: the model failed.
        """
        self.active = [job]
        try:
            try:
                self._answer(job)
            except Exception as error:  # torch says in several ways that memory ran out
                if job.tokens or not is_out_of_memory(error):
                    raise
                self._budget.clear()
                free_device_memory()
                self._answer(job)
        finally:
            self.active = []
        return True

    def step(self, on_end: OnJobEnd) -> None:
        """Do nothing: `begin` answers requests to their end."""

    def cancel(self, jobs: list[GenerationJob]) -> None:
        """Do nothing: the running request checks its own flag."""

    def abort_all(self, error: Exception, on_end: OnJobEnd) -> None:
        """Do nothing: `begin` answers requests to their end."""

    def close(self) -> None:
        """Free the cache."""
        self._tower.clear()

    @property
    def cache_bytes(self) -> int:
        """Bytes that the cache of the vision tower takes."""
        return self._tower.size

    def _answer(self, job: GenerationJob) -> None:
        inputs = move_to_device(job.encoded.inputs, self._model.device, self._processors.dtype)
        self._statistics.count_prompt(len(job.encoded.ids), 0)
        recorder = LogprobRecorder()
        streamer = JobStreamer(job, recorder, self._statistics)
        with self._tower.use_images(job.encoded.images), suppress(_NoMoreTokensWanted):
            self._model.generate(
                **inputs,
                generation_config=self._processors.generation_config(
                    job.sampling, job.max_new_tokens
                ),
                streamer=streamer,
                logits_processor=LogitsProcessorList(
                    [recorder, *self._processors.build_for_request(job)]
                ),
                stopping_criteria=[JobStoppingCriteria(job)],
            )
        streamer.require_answer()


class LogprobRecorder(LogitsProcessor):
    """Records the newest logits, for the probability of the token that is chosen."""

    def __init__(self) -> None:
        self._logprobs: Tensor | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self._logprobs = scores[0].float().log_softmax(-1)
        return scores

    def logprob(self, token: int) -> float | None:
        """Return the token's log-probability; None: the model's `generate` has not called this."""
        return None if self._logprobs is None else float(self._logprobs[token])


class _NoMoreTokensWanted(Exception):  # noqa: N818  # it ends a loop, and nobody reads it
    """Ends a `generate` that does not ask the stopping criteria."""


class JobStreamer(BaseStreamer):
    """Passes tokens from `generate` to a job, except for the prompt, which comes first.

    Some models have a `generate` of their own that drops the logits processors and stopping
    criteria it is given (Janus, in transformers/models/janus/modeling_janus.py, 5.23). Then the
    answer is ended from here, and what only processors can do is refused.
    """

    def __init__(
        self, job: GenerationJob, recorder: LogprobRecorder, statistics: Statistics
    ) -> None:
        self._job = job
        self._recorder = recorder
        self._statistics = statistics
        self._is_prompt = True

    def put(self, value: Tensor) -> None:
        if not self._is_prompt:
            for token in value.flatten().tolist():
                self._statistics.count_step(1)
                self._add(token, self._recorder.logprob(token))
        self._is_prompt = False

    def _add(self, token: int, logprob: float | None) -> None:
        if logprob is not None:
            self._job.add_token(token, logprob)
            return
        if self._job.answer.processors:
            raise EngineError(
                "This model generates with its own code, so its answer cannot be limited to "
                "choices, a pattern or a schema. Ask without them."
            )
        if not self._job.tokens:
            log.warning(
                "The model's own `generate` drops logits processors: sampling settings have no "
                "effect, and probabilities are not known."
            )
        self._job.add_token(token, None)
        if self._job.is_unwanted:
            raise _NoMoreTokensWanted

    def require_answer(self) -> None:
        """Refuse a `generate` that has ended without passing on anything.

        Raises:
            EngineError: it has not used this streamer.
        """
        if self._is_prompt:
            raise EngineError(
                "This model generates with its own code, which returns no tokens, so its "
                "answer cannot be shown. Choose another model."
            )

    def end(self) -> None:
        pass


class JobStoppingCriteria(StoppingCriteria):
    """Stops `generate` once the answer is complete, cancelled or late."""

    def __init__(self, job: GenerationJob) -> None:
        self._job = job

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        return torch.full((len(input_ids),), self._job.is_unwanted, device=input_ids.device)
