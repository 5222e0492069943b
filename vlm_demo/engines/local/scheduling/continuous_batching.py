"""Continuous batching: requests share decode steps, joining and leaving between them."""

from __future__ import annotations

import torch
from torch import Tensor

from vlm_demo.engines.cache_budget import CacheBudget
from vlm_demo.engines.local.counters import Statistics
from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.kv_cache import KvCache
from vlm_demo.engines.local.decoding.prefix_cache import PrefixCache
from vlm_demo.engines.local.failures import free_device_memory, is_out_of_memory, to_vlm_demo_error
from vlm_demo.engines.local.inputs.device_transfer import move_to_device
from vlm_demo.engines.local.scheduling.batch import BatchRow, DecodingBatch, TokenOutcome
from vlm_demo.engines.local.scheduling.generation_job import GenerationJob, OnJobEnd
from vlm_demo.engines.local.scheduling.sampling import LogitsProcessorFactory


class ContinuousBatcher:
    """Runs one model, in one thread."""

    def __init__(
        self,
        decoder: Decoder,
        processors: LogitsProcessorFactory,
        budget: CacheBudget,
        statistics: Statistics,
        max_rows: int,
    ) -> None:
        self._decoder = decoder
        self._processors = processors
        self._statistics = statistics
        self._max_rows = max_rows
        self._budget = budget
        self._prefixes = PrefixCache(budget)
        self._batch = DecodingBatch(decoder, processors.suppressed)

    @property
    def active(self) -> list[GenerationJob]:
        """The requests that are being answered."""
        return [row.job for row in self._batch.rows]

    @property
    def has_room(self) -> bool:
        """Whether another request can begin."""
        return len(self._batch.rows) < self._max_rows

    def begin(self, job: GenerationJob) -> bool:
        """Compute a prompt and the first token; return whether the answer has ended with it.

        Raises:
            VlmDemoError: the model failed; other requests continue.
        """
        try:
            return self._begin(job)
        except Exception as error:  # torch says in several ways that memory ran out
            if job.tokens or not is_out_of_memory(error):
                raise  # started again, it would write its first token twice
            self._free_memory()
        return self._begin(job)

    def _begin(self, job: GenerationJob) -> bool:
        encoded = job.encoded
        known = self._prefixes.find(encoded.ids, encoded.images, encoded.images_end)
        cache = KvCache.from_sequence(known) if known else KvCache()
        reused = job.cached_tokens = cache.columns
        inputs = move_to_device(encoded.inputs, self._decoder.device, self._processors.dtype)
        logits, offset = self._decoder.prefill(inputs, cache)
        self._statistics.count_prompt(len(encoded.ids), reused)
        self._prefixes.keep(encoded.ids, encoded.images, cache.sequence())
        row = self._row(job, inputs["input_ids"], offset)
        outcome = self._batch.choose_first_token(row, logits)
        if self._add_token(job, outcome):
            return True
        self._batch.add(row, cache, job.tokens[-1])
        return False

    def step(self, on_end: OnJobEnd) -> None:
        """Compute a token for every request that has begun."""
        try:
            outcomes = self._batch.step()
        except Exception as error:  # whatever a model raises must not end the thread
            if not is_out_of_memory(error):
                self.abort_all(error, on_end)
                return
            outcomes = self._step_with_more_memory(error, on_end)
        self._statistics.count_step(len(outcomes))
        finished: list[BatchRow] = []
        for row, outcome in zip(list(self._batch.rows), outcomes, strict=True):
            try:
                if not self._add_token(row.job, outcome):
                    continue
                on_end(row.job, None)
            except Exception as error:  # of this request alone
                on_end(row.job, to_vlm_demo_error(error))
            finished.append(row)
        self._remove(finished)

    def cancel(self, jobs: list[GenerationJob]) -> None:
        """Remove requests between two steps; what was computed for them is cached."""
        self._remove([row for row in self._batch.rows if row.job in jobs])

    def abort_all(self, error: Exception, on_end: OnJobEnd) -> None:
        """End every request with an error, as a half computed step cannot be trusted."""
        rows = list(self._batch.rows)
        self._batch.remove(rows)
        for row in rows:
            on_end(row.job, to_vlm_demo_error(error))

    def close(self) -> None:
        """Free the cache."""
        self._prefixes.clear()

    @property
    def cache_bytes(self) -> int:
        """Bytes that the prefix cache takes."""
        return self._prefixes.size

    def _add_token(self, job: GenerationJob, outcome: TokenOutcome) -> bool:
        if isinstance(outcome, Exception):
            raise outcome
        return job.add_token(*outcome)

    def _remove(self, rows: list[BatchRow]) -> None:
        if not rows:
            return
        for row in rows:
            if row.job.answer.is_cacheable:
                self._cache_prefix(row)
        self._batch.remove(rows)

    def _cache_prefix(self, row: BatchRow) -> None:
        """Cache a copy of what was computed for a row, where there is memory for it."""
        try:
            sequence = self._batch.copy_sequence(row)
        except Exception as error:  # torch says in several ways that memory ran out
            if not is_out_of_memory(error):
                raise
            self._free_memory()
            return
        self._prefixes.keep(row.tokens_in_cache, row.job.encoded.images, sequence)

    def _row(self, job: GenerationJob, prompt: Tensor, offset: int) -> BatchRow:
        processors = self._processors.build(job, prompt)
        room = job.max_new_tokens if processors else 0
        ids = torch.cat([prompt, prompt.new_zeros(1, room)], dim=1) if room else prompt
        return BatchRow(job, processors, ids, prompt.shape[1], offset)

    def _step_with_more_memory(self, error: Exception, on_end: OnJobEnd) -> list[TokenOutcome]:
        """Free the caches and try again; while that is not enough, end the longest request."""
        while True:
            self._free_memory()
            try:
                return self._batch.step() if self._batch.rows else []
            except Exception as again:
                if not is_out_of_memory(again):
                    self.abort_all(again, on_end)
                    return []
            longest = max(self._batch.rows, key=lambda row: len(row.tokens_in_cache))
            self._batch.remove([longest])
            on_end(longest.job, to_vlm_demo_error(error))

    def _free_memory(self) -> None:
        self._budget.clear()
        self._batch.release()
        free_device_memory()
