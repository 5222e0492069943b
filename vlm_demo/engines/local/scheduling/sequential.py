"""Answers requests one after the other, with the model's own `generate`."""

from __future__ import annotations

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
from vlm_demo.engines.local.scheduling.jobs import GenerationJob, OnJobEnd
from vlm_demo.engines.local.scheduling.sampling import LogitsProcessorFactory


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
        with self._tower.use_images(job.encoded.images):
            self._model.generate(
                **inputs,
                generation_config=self._processors.generation_config(
                    job.sampling, job.max_new_tokens
                ),
                streamer=JobStreamer(job, recorder, self._statistics),
                logits_processor=LogitsProcessorList(
                    [recorder, *self._processors.build_for_request(job)]
                ),
                stopping_criteria=[JobStoppingCriteria(job)],
            )


class LogprobRecorder(LogitsProcessor):
    """Records the newest logits, for the probability of the token that is chosen."""

    def __init__(self) -> None:
        self._logprobs = torch.empty(0)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self._logprobs = scores[0].float().log_softmax(-1)
        return scores

    def logprob(self, token: int) -> float:
        """Return the token's log-probability."""
        return float(self._logprobs[token])


class JobStreamer(BaseStreamer):
    """Passes tokens from `generate` to a job, except for the prompt, which comes first."""

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
                self._job.add_token(token, self._recorder.logprob(token))
        self._is_prompt = False

    def end(self) -> None:
        pass


class JobStoppingCriteria(StoppingCriteria):
    """Stops `generate` once the answer is complete, cancelled or late."""

    def __init__(self, job: GenerationJob) -> None:
        self._job = job

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        stops = self._job.is_over or self._job.cancelled.is_set() or self._job.is_late
        return torch.full((len(input_ids),), stops, device=input_ids.device)
