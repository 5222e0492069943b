"""Masks of steps without CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import MistralConfig, Qwen2Config
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask

from vlm_demo.engines.local.decoding import decoders
from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.kv_cache import KvCache


@pytest.mark.parametrize(
    ("config", "windowed", "create"),
    [
        (MistralConfig(sliding_window=5), True, create_sliding_window_causal_mask),
        (MistralConfig(sliding_window=None), False, create_causal_mask),
        (
            Qwen2Config(use_sliding_window=True, sliding_window=5, max_window_layers=1),
            True,
            create_sliding_window_causal_mask,
        ),
        (Qwen2Config(), False, create_causal_mask),
    ],
    ids=["mistral-window", "mistral", "qwen2-window", "qwen2"],
)
def test_the_mask_is_the_one_that_transformers_makes(
    config: Any, windowed: bool, create: Callable[..., Tensor]
) -> None:
    """Three rows that begin at different columns, at their twelfth."""
    config._attn_implementation = "sdpa"
    model = SimpleNamespace(config=SimpleNamespace(get_text_config=lambda: config))
    starts, newest = torch.tensor([[0], [3], [9]]), 11
    mask = Decoder(model).mask(starts, newest, 12)

    cache = KvCache()
    cache.update(torch.zeros(3, 1, newest, 1), torch.zeros(3, 1, newest, 1), 0)
    expected = create(
        config=config,
        inputs_embeds=torch.zeros(3, 1, 8),
        attention_mask=(torch.arange(12) >= starts).long(),
        past_key_values=cache,
    )
    if isinstance(mask, dict):
        mask = mask["sliding_attention"]
    assert isinstance(mask, Tensor)
    assert torch.equal(mask, expected)
    assert windowed == bool(decoders._window(config)[0])
