"""The requests that a model answers at the same time, one token each per step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import LogitsProcessor

from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.kv_cache import KvCache, SequenceKeyValues
from vlm_demo.engines.local.scheduling.generation_job import GenerationJob


@dataclass(slots=True, eq=False)
class BatchRow:
    """One request in the batch."""

    job: GenerationJob
    processors: Sequence[LogitsProcessor]  # change the logits of this row alone
    ids: Tensor  # prompt and answer, (1, tokens), with room for all of it; only for processors
    length: int  # of prompt and answer so far
    position_offset: int = 0  # see `Decoder.prefill`

    @property
    def tokens_in_cache(self) -> list[int]:
        """The tokens whose keys and values are in the cache: all but the newest."""
        return [*self.job.encoded.ids, *self.job.tokens[:-1]]

    def choose_token(self, logits: Tensor) -> Tensor:
        """Return the next token (1,) from its logits (1, vocabulary)."""
        for processor in self.processors:
            logits = processor(self.ids[:, : self.length], logits)
        token = logits.argmax(-1)
        self.ids[:, self.length] = token
        self.length += 1
        return token


TokenOutcome = tuple[int, float] | Exception
"""A row's next token and its log-probability, or why there is none."""


class DecodingBatch:
    """Rows aligned at their newest token; shorter ones start later."""

    def __init__(self, decoder: Decoder, suppressed: Collection[int]) -> None:
        self.rows: list[BatchRow] = []
        self._decoder = decoder
        self._suppressed = torch.tensor(sorted(suppressed), dtype=torch.long, device=decoder.device)
        self._cache = KvCache()
        self._counts = self._column([])  # tokens of each row in the cache
        self._offsets = self._column([])
        self._newest = self._column([])  # the newest token of each row, not in the cache yet

    def choose_first_token(self, row: BatchRow, logits: Tensor) -> TokenOutcome:
        """Choose the first token of a row's answer, from its logits (1, vocabulary)."""
        _, outcomes = self._choose([row], logits)
        return outcomes[0]

    def add(self, row: BatchRow, cache: KvCache, token: int) -> None:
        """Add a row whose prompt is in `cache`, and whose first token is chosen."""
        count = self._column([cache.columns])
        offset, newest = self._column([row.position_offset]), self._column([token])
        if self.rows:
            self._cache.append_rows(cache)
            self._counts = torch.cat([self._counts, count])
            self._offsets = torch.cat([self._offsets, offset])
            self._newest = torch.cat([self._newest, newest])
        else:
            self._cache = self._decoder.batch_cache(cache)
            self._counts, self._offsets, self._newest = count, offset, newest
        self.rows.append(row)

    def step(self) -> list[TokenOutcome]:
        """Compute the next token of every row, in the order of `rows`.

        If the model fails, the batch is as it was before.
        """
        columns = self._cache.columns
        try:
            logits = self._decoder.step(self._newest, self._counts, self._offsets, self._cache)
        except Exception:  # whatever it is: some layers may have their new column already
            self._cache.truncate(columns)
            raise
        self._counts = self._counts + 1
        tokens, outcomes = self._choose(self.rows, logits)
        self._newest = tokens.view(-1, 1)
        return outcomes

    def copy_sequence(self, row: BatchRow) -> SequenceKeyValues:
        """Return a copy of the keys and values of a row."""
        index = self.rows.index(row)
        return self._cache.copy_row(index, self._cache.columns - int(self._counts[index]))

    def remove(self, rows: Collection[BatchRow]) -> None:
        """Remove rows, and the columns that only they had."""
        stay = [index for index, row in enumerate(self.rows) if row not in rows]
        self.rows = [self.rows[index] for index in stay]
        if not stay:
            self._cache = KvCache()
            return
        indices = torch.tensor(stay, device=self._decoder.device)
        self._counts, self._offsets, self._newest = (
            column[indices] for column in (self._counts, self._offsets, self._newest)
        )
        self._cache.keep_rows(stay, self._cache.columns - int(self._counts.max()))

    def release(self) -> None:
        """Free the memory that waits for the next rows, if there are none now."""
        if not self.rows:
            self._decoder.release()

    def _choose(
        self, rows: Sequence[BatchRow], logits: Tensor
    ) -> tuple[Tensor, list[TokenOutcome]]:
        logits = logits.float()
        logits.index_fill_(1, self._suppressed, -torch.inf)
        tokens = logits.argmax(-1)
        errors: dict[int, Exception] = {}
        for index, row in enumerate(rows):
            if row.processors:
                try:
                    tokens[index] = row.choose_token(logits[index : index + 1])[0]
                except Exception as error:  # of this row alone: the others go on
                    errors[index] = error
        logprobs = logits.gather(1, tokens.view(-1, 1)).squeeze(1) - logits.logsumexp(-1)
        # One copy, since each waits for the GPU. Floats hold tokens exactly below 2 ** 24.
        pairs = torch.stack([tokens.float(), logprobs], dim=1).tolist()
        outcomes = [(int(token), logprob) for token, logprob in pairs]
        return tokens, [errors.get(index, outcome) for index, outcome in enumerate(outcomes)]

    def _column(self, values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=self._decoder.device).view(-1, 1)
