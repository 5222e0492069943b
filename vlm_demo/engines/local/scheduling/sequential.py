"""Requests answered one after the other, by the model's own `generate`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.decoding.vision_towers import RememberingTower
from vlm_demo.engines.local.failures import free_device_memory, is_out_of_memory
from vlm_demo.engines.local.scheduling.continuous_batching import Ended, on_device
from vlm_demo.engines.local.scheduling.jobs import Job
from vlm_demo.engines.local.scheduling.sampling import Processors
from vlm_demo.engines.local.statistics import Statistics


class TurnTaker:
    """Runs one model whose requests cannot share a step; all in one thread."""

    def __init__(
        self, model: Any, processors: Processors, budget: CacheBudget, statistics: Statistics
    ) -> None:
        self._model = model
        self._processors = processors
        self._budget = budget
        self._statistics = statistics
        self._tower = RememberingTower(model, budget, statistics)
        self.active: list[Job] = []

    @property
    def has_room(self) -> bool:
        """Whether a request can begin: it always can, since the one before has ended."""
        return True

    def begin(self, job: Job) -> bool:
        """Answer a request to its end; return True.

        Raises:
            VlmDemoError: the model failed.
        """
        self.active = [job]
        try:
            try:
                self._answer(job)
            except Exception as error:  # torch says in several ways that memory ran out
                if job.written or not is_out_of_memory(error):
                    raise
                self._budget.clear()
                free_device_memory()
                self._answer(job)
        finally:
            self.active = []
        return True

    def step(self, ended: Ended) -> None:
        """Do nothing: no request is ever half answered here."""

    def stop(self, jobs: list[Job]) -> None:
        """Do nothing: the running request looks at its own flag."""

    def give_up(self, error: Exception, ended: Ended) -> None:
        """Do nothing: no request is ever half answered here."""

    def close(self) -> None:
        """Free what is kept."""
        self._tower.clear()

    @property
    def kept_bytes(self) -> int:
        """What earlier requests left."""
        return self._tower.size

    def _answer(self, job: Job) -> None:
        inputs = on_device(job.encoded.inputs, self._model.device, self._processors.dtype)
        self._statistics.prompt(len(job.encoded.ids), 0)
        recorded = Recorder()
        with self._tower.showing(job.encoded.pictures):
            self._model.generate(
                **inputs,
                generation_config=self._processors.settings(job.sampling, job.max_new_tokens),
                streamer=Sink(job, recorded, self._statistics),
                logits_processor=LogitsProcessorList([recorded, *self._processors.own(job)]),
                stopping_criteria=[StopWhenOver(job)],
            )


class Recorder(LogitsProcessor):
    """Remembers the newest logits, to know how probable the token is that is chosen."""

    def __init__(self) -> None:
        self._logprobs = torch.empty(0)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self._logprobs = scores[0].float().log_softmax(-1)
        return scores

    def logprob(self, token: int) -> float:
        """Return the token's log-probability."""
        return float(self._logprobs[token])


class Sink(BaseStreamer):
    """Receives tokens from `generate`: the prompt's first, which are not passed on."""

    def __init__(self, job: Job, recorded: Recorder, statistics: Statistics) -> None:
        self._job = job
        self._recorded = recorded
        self._statistics = statistics
        self._is_prompt = True

    def put(self, value: Tensor) -> None:
        if not self._is_prompt:
            for token in value.flatten().tolist():
                self._statistics.step(1)
                self._job.take(token, self._recorded.logprob(token))
        self._is_prompt = False

    def end(self) -> None:
        pass


class StopWhenOver(StoppingCriteria):
    """Stops after a token once the answer is complete, not wanted any more, or too late."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        over = self._job.over or self._job.stop.is_set() or self._job.expired
        return torch.full((len(input_ids),), over, device=input_ids.device)
