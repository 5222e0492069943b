"""Chooses the next token by the rules of the checkpoint and of the request, and by chance."""

from __future__ import annotations

import copy
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList

from vlm_demo.engines.local.scheduling.generation_job import GenerationJob
from vlm_demo.values import Sampling


class LogitsProcessorFactory:
    """Builds the logits processors of requests to one model."""

    def __init__(
        self, model: Any, tokenizer: Any, image_tokens: Collection[int], end: Collection[int]
    ) -> None:
        self.dtype: torch.dtype = model.dtype
        self._model = model
        self._end = sorted(end)
        self._pad = _pad_token(model, tokenizer, self._end)
        # An image token in an answer has no image, and would break every later turn.
        own = model.generation_config.suppress_tokens or ()
        self.suppressed = frozenset((*own, *image_tokens))

    def build(self, job: GenerationJob, prompt: Tensor) -> Sequence[LogitsProcessor]:
        """Return the processors of a request, except for `suppressed`; often there are none.

        Args:
            job: the request.
            prompt: its tokens, (1, tokens).
        """
        config = self.generation_config(job.sampling, job.max_new_tokens)
        config.suppress_tokens = None
        config.max_length = prompt.shape[1] + job.max_new_tokens
        self._model._prepare_special_tokens(config, device=prompt.device)
        return list(
            self._model._get_logits_processor(
                generation_config=config,
                input_ids_seq_length=prompt.shape[1],
                encoder_input_ids=prompt,
                logits_processor=self.build_for_request(job),
                device=prompt.device,
            )
        )

    def build_for_request(self, job: GenerationJob) -> LogitsProcessorList:
        """Return what a request adds to the checkpoint's rules: constraints, then sampling."""
        processors = [*job.answer.processors]
        if job.sampling.temperature > 0:
            processors.append(TokenSampler(job.sampling, self._model.device))
        return LogitsProcessorList(processors)

    def generation_config(self, sampling: Sampling, max_new_tokens: int) -> Any:
        """Return the checkpoint's own settings, except for how tokens are sampled."""
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


class TokenSampler(LogitsProcessor):
    """Samples the next token with a random generator of its own, and rules out all others.

    The token is then taken greedily. Sampling with torch's global generator would make a seeded
    answer depend on what else is running.
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
        probabilities = logits.softmax(-1)
        # As torch.multinomial samples, without its checks, which wait for the GPU.
        waits = torch.empty_like(probabilities).exponential_(generator=self._generator)
        token = (probabilities / waits).argmax(-1, keepdim=True)
        return torch.full_like(scores, -torch.inf).scatter(-1, token, 0.0)
