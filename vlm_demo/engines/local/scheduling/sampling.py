"""How the next token is chosen: the checkpoint's own rules, the request's, and chance."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList

from vlm_demo.engines.local.scheduling.jobs import Job
from vlm_demo.values import Sampling


class Processors:
    """Builds what changes the logits of one request."""

    def __init__(
        self, model: Any, tokenizer: Any, picture_tokens: Collection[int], end: Collection[int]
    ) -> None:
        self.dtype: torch.dtype = model.dtype
        self._model = model
        self._end = sorted(end)
        self._pad = _pad_token(model, tokenizer, self._end)
        # A picture token in an answer has no picture, and would break every later turn.
        own = model.generation_config.suppress_tokens or ()
        self.suppressed = frozenset((*own, *picture_tokens))

    def of(self, job: Job, prompt: Tensor) -> Sequence[LogitsProcessor]:
        """Return the processors of a request, but for `suppressed`; often there are none.

        Args:
            job: the request.
            prompt: its tokens, (1, tokens).
        """
        config = self.settings(job.sampling, job.max_new_tokens)
        config.suppress_tokens = None
        config.max_length = prompt.shape[1] + job.max_new_tokens
        self._model._prepare_special_tokens(config, device=prompt.device)
        return list(
            self._model._get_logits_processor(
                generation_config=config,
                input_ids_seq_length=prompt.shape[1],
                encoder_input_ids=prompt,
                logits_processor=self.own(job),
                device=prompt.device,
            )
        )

    def own(self, job: Job) -> LogitsProcessorList:
        """Return what the request adds to the checkpoint's rules: constraints, then chance."""
        drawn = [Draw(job.sampling, self._model.device)] if job.sampling.temperature > 0 else []
        return LogitsProcessorList([*job.answer.processors, *drawn])

    def settings(self, sampling: Sampling, max_new_tokens: int) -> Any:
        """Take the checkpoint's own settings, but for how tokens are drawn."""
        config = copy.deepcopy(self._model.generation_config)
        config.max_length = None
        config.max_new_tokens = max_new_tokens
        config.do_sample, config.num_beams = False, 1
        config.temperature = config.top_p = config.top_k = config.min_p = config.typical_p = None
        config.repetition_penalty = sampling.repetition_penalty
        config.eos_token_id = self._end or None
        config.pad_token_id = self._pad
        config.suppress_tokens = sorted(self.suppressed) or None
        return config


def _pad_token(model: Any, tokenizer: Any, end: Sequence[int]) -> int:
    for token in (model.generation_config.pad_token_id, tokenizer.pad_token_id, *end):
        if token is not None:
            return int(token)
    return 0


class Draw(LogitsProcessor):
    """Draws the next token with a random generator of its own and leaves only that one.

    It is then taken greedily. Drawing with torch's global generator would make a seeded answer
    depend on what else is running, and disturb it.
    """

    def __init__(self, sampling: Sampling, device: torch.device) -> None:
        self._sampling = sampling
        self._generator = torch.Generator(device)
        if sampling.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(sampling.seed)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        logits = scores.float() / self._sampling.temperature
        if 0 < self._sampling.top_k < logits.shape[-1]:
            least = logits.topk(self._sampling.top_k).values[..., -1:]
            logits = logits.masked_fill(logits < least, -torch.inf)
        if 0 < self._sampling.top_p < 1:
            ordered, order = logits.sort(descending=True)
            before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
            beyond = before >= self._sampling.top_p  # never the first: nothing comes before it
            logits = logits.masked_fill(
                torch.zeros_like(beyond).scatter(-1, order, beyond), -torch.inf
            )
        chances = logits.softmax(-1)
        # As torch.multinomial draws, but for its look at the numbers, which waits for the GPU.
        waits = torch.empty_like(chances).exponential_(generator=self._generator)
        token = (chances / waits).argmax(-1, keepdim=True)
        return torch.full_like(scores, -torch.inf).scatter(-1, token, 0.0)
