"""The requests that a model answers at the same time, one token each in every step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import LogitsProcessor

from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.kv_cache import KeyValues, KvCache
from vlm_demo.engines.local.scheduling.jobs import Job


@dataclass(slots=True, eq=False)
class Row:
    """One request in the batch."""

    job: Job
    processors: Sequence[LogitsProcessor]  # change the logits of this row alone
    ids: Tensor  # prompt and answer, (1, tokens), with room for all of it; only for processors
    filled: int  # tokens of `ids`
    ahead: int = 0  # see `Decoder.prefill`

    @property
    def known(self) -> list[int]:
        """The tokens whose keys and values are in the cache: all but the newest."""
        return [*self.job.encoded.ids, *self.job.written[:-1]]

    def choose(self, logits: Tensor) -> Tensor:
        """Return the next token (1,) from its logits (1, vocabulary)."""
        for processor in self.processors:
            logits = processor(self.ids[:, : self.filled], logits)
        token = logits.argmax(-1)
        self.ids[:, self.filled] = token
        self.filled += 1
        return token


Outcome = tuple[int, float] | Exception
"""A row's next token and its log-probability, or why there is none."""


class Batch:
    """Rows aligned at their newest token; shorter ones begin later."""

    def __init__(self, decoder: Decoder, suppressed: Collection[int]) -> None:
        self.rows: list[Row] = []
        self._decoder = decoder
        self._suppressed = torch.tensor(sorted(suppressed), dtype=torch.long, device=decoder.device)
        self._cache = KvCache()
        self._counts = self._column([])  # tokens of each row in the cache
        self._ahead = self._column([])
        self._last = self._column([])  # the newest token of each row, not in the cache yet

    def first(self, row: Row, logits: Tensor) -> Outcome:
        """Choose the first token of a row's answer, from its logits (1, vocabulary)."""
        _, outcomes = self._choose([row], logits)
        return outcomes[0]

    def join(self, row: Row, cache: KvCache, token: int) -> None:
        """Add a row whose prompt is in `cache`, and whose first token is chosen."""
        count = self._column([cache.columns])
        ahead, last = self._column([row.ahead]), self._column([token])
        if self.rows:
            self._cache.join(cache)
            self._counts = torch.cat([self._counts, count])
            self._ahead = torch.cat([self._ahead, ahead])
            self._last = torch.cat([self._last, last])
        else:
            self._cache = self._decoder.held(cache)
            self._counts, self._ahead, self._last = count, ahead, last
        self.rows.append(row)

    def step(self) -> list[Outcome]:
        """Compute the next token of every row, in the order of `rows`.

        If the model fails, the batch is as it was before.
        """
        columns = self._cache.columns
        try:
            logits = self._decoder.step(self._last, self._counts, self._ahead, self._cache)
        except Exception:  # whatever it was: some layers may have their new column already
            self._cache.truncate(columns)
            raise
        self._counts = self._counts + 1
        tokens, outcomes = self._choose(self.rows, logits)
        self._last = tokens.view(-1, 1)
        return outcomes

    def sequence(self, row: Row) -> KeyValues:
        """Return the keys and values of a row, in memory of their own."""
        index = self.rows.index(row)
        return self._cache.copy_of(index, self._cache.columns - int(self._counts[index]))

    def leave(self, gone: Collection[Row]) -> None:
        """Take rows out, and the columns that only they had."""
        stay = [index for index, row in enumerate(self.rows) if row not in gone]
        self.rows = [self.rows[index] for index in stay]
        if not stay:
            self._cache = KvCache()
            return
        kept = torch.tensor(stay, device=self._decoder.device)
        self._counts, self._ahead, self._last = (
            column[kept] for column in (self._counts, self._ahead, self._last)
        )
        self._cache.select(stay, self._cache.columns - int(self._counts.max()))

    def release(self) -> None:
        """Give back memory that waits for the next rows, where there are none."""
        if not self.rows:
            self._decoder.release()

    def _choose(self, rows: Sequence[Row], logits: Tensor) -> tuple[Tensor, list[Outcome]]:
        logits = logits.float()
        logits.index_fill_(1, self._suppressed, -torch.inf)
        tokens = logits.argmax(-1)
        failed: dict[int, Exception] = {}
        for index, row in enumerate(rows):
            if row.processors:
                try:
                    tokens[index] = row.choose(logits[index : index + 1])[0]
                except Exception as error:  # of one row's own making: the others go on
                    failed[index] = error
        chosen = logits.gather(1, tokens.view(-1, 1)).squeeze(1) - logits.logsumexp(-1)
        # One copy, since each waits for the GPU. Floats hold tokens exactly below 2 ** 24.
        news = torch.stack([tokens.float(), chosen], dim=1).tolist()
        outcomes = [(int(token), logprob) for token, logprob in news]
        return tokens, [failed.get(index, outcome) for index, outcome in enumerate(outcomes)]

    def _column(self, values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=self._decoder.device).view(-1, 1)
