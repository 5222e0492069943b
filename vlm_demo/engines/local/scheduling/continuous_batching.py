"""Requests answered together, step by step (continuous batching), with what earlier ones left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.kv_cache import KvCache
from vlm_demo.engines.local.decoding.prefixes import PrefixCache
from vlm_demo.engines.local.failures import free_device_memory, is_out_of_memory, typed
from vlm_demo.engines.local.scheduling.batch import Batch, Outcome, Row
from vlm_demo.engines.local.scheduling.jobs import Job
from vlm_demo.engines.local.scheduling.sampling import Processors
from vlm_demo.engines.local.statistics import Statistics

Ended = Callable[[Job, Exception | None], None]


class Stepper:
    """Runs one model; all in one thread."""

    def __init__(
        self,
        decoder: Decoder,
        processors: Processors,
        budget: CacheBudget,
        statistics: Statistics,
        most_rows: int,
    ) -> None:
        self._decoder = decoder
        self._processors = processors
        self._statistics = statistics
        self._most_rows = most_rows
        self._budget = budget
        self._prefixes = PrefixCache(budget)
        self._batch = Batch(decoder, processors.suppressed)

    @property
    def active(self) -> list[Job]:
        """The requests that are being answered."""
        return [row.job for row in self._batch.rows]

    @property
    def has_room(self) -> bool:
        """Whether another request can begin."""
        return len(self._batch.rows) < self._most_rows

    def begin(self, job: Job) -> bool:
        """Compute a prompt and the first token; return whether the answer has ended with it.

        Raises:
            VlmDemoError: the model failed; the others go on.
        """
        try:
            return self._begin(job)
        except Exception as error:  # torch says in several ways that memory ran out
            if job.written or not is_out_of_memory(error):
                raise  # begun anew, it would write its first token twice
            self._make_room()
        return self._begin(job)

    def _begin(self, job: Job) -> bool:
        encoded = job.encoded
        known = self._prefixes.find(encoded.ids, encoded.pictures, encoded.past_pictures)
        cache = KvCache.beginning_with(known) if known else KvCache()
        reused = cache.columns
        inputs = on_device(encoded.inputs, self._decoder.device, self._processors.dtype)
        logits, ahead = self._decoder.prefill(inputs, cache)
        self._statistics.prompt(len(encoded.ids), reused)
        self._prefixes.keep(encoded.ids, encoded.pictures, cache.sequence())
        row = self._row(job, inputs["input_ids"], ahead)
        outcome = self._batch.first(row, logits)
        if self._ends(job, outcome):
            return True
        self._batch.join(row, cache, job.written[-1])
        return False

    def step(self, ended: Ended) -> None:
        """Compute a token for every request that has begun."""
        try:
            outcomes = self._batch.step()
        except Exception as error:  # whatever a model raises must not end the thread
            if not is_out_of_memory(error):
                self.give_up(error, ended)
                return
            outcomes = self._with_more_memory(error, ended)
        self._statistics.step(len(outcomes))
        gone: list[Row] = []
        for row, outcome in zip(list(self._batch.rows), outcomes, strict=True):
            try:
                if not self._ends(row.job, outcome):
                    continue
                ended(row.job, None)
            except Exception as error:  # of this request alone
                ended(row.job, typed(error))
            gone.append(row)
        self._leave(gone)

    def stop(self, jobs: list[Job]) -> None:
        """Take requests out between two steps; what was computed for them is kept."""
        self._leave([row for row in self._batch.rows if row.job in jobs])

    def give_up(self, error: Exception, ended: Ended) -> None:
        """End every request: nothing that is half computed can be trusted."""
        rows = list(self._batch.rows)
        self._batch.leave(rows)
        for row in rows:
            ended(row.job, typed(error))

    def close(self) -> None:
        """Free what is kept."""
        self._prefixes.clear()

    @property
    def kept_bytes(self) -> int:
        """What earlier requests left."""
        return self._prefixes.size

    def _ends(self, job: Job, outcome: Outcome) -> bool:
        if isinstance(outcome, Exception):
            raise outcome
        return job.take(*outcome)

    def _leave(self, gone: list[Row]) -> None:
        if not gone:
            return
        for row in gone:
            if row.job.answer.worth_keeping:
                self._keep(row)
        self._batch.leave(gone)

    def _keep(self, row: Row) -> None:
        """Keep a copy of what was computed for a row, where there is memory for it."""
        try:
            sequence = self._batch.sequence(row)
        except Exception as error:  # torch says in several ways that memory ran out
            if not is_out_of_memory(error):
                raise
            self._make_room()
            return
        self._prefixes.keep(row.known, row.job.encoded.pictures, sequence)

    def _row(self, job: Job, prompt: Tensor, ahead: int) -> Row:
        processors = self._processors.of(job, prompt)
        room = job.max_new_tokens if processors else 0
        ids = torch.cat([prompt, prompt.new_zeros(1, room)], dim=1) if room else prompt
        return Row(job, processors, ids, prompt.shape[1], ahead)

    def _with_more_memory(self, error: Exception, ended: Ended) -> list[Outcome]:
        """Free what is kept and try again; if that is not enough, the longest request must go."""
        while True:
            self._make_room()
            try:
                return self._batch.step() if self._batch.rows else []
            except Exception as again:
                if not is_out_of_memory(again):
                    self.give_up(again, ended)
                    return []
            longest = max(self._batch.rows, key=lambda row: len(row.known))
            self._batch.leave([longest])
            ended(longest.job, typed(error))

    def _make_room(self) -> None:
        self._budget.clear()
        self._batch.release()
        free_device_memory()


def on_device(inputs: Any, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
    """Copy a processor's tensors to where the model is; pixels in its precision.

    To a GPU they go through pinned memory, so that the copy does not wait for the GPU's work; their
    precision changes there, since a copy that changes it goes through other memory.
    """
    moved: dict[str, Tensor] = {}
    for name, value in inputs.items():
        if not isinstance(value, Tensor):
            moved[name] = value
            continue
        if device.type == "cuda" and value.device.type == "cpu":
            value = value.pin_memory()
        value = value.to(device, non_blocking=True)
        moved[name] = value.to(dtype) if value.is_floating_point() else value
    return moved
