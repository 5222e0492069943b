"""Chooses the attention implementation of a model before it is loaded."""

from __future__ import annotations

from typing import Any

import torch
from transformers.utils.import_utils import is_flash_attn_2_available

from vlm_demo.engines.number_format import NumberFormat
from vlm_demo.prompting.architecture import Architecture

FLASH_CAPABILITY = (8, 0)
"""Lowest compute capability that FlashAttention 2 supports (Ampere):
https://github.com/Dao-AILab/flash-attention."""


def attention_options(
    architecture: Architecture,
    device: str,
    dtype: torch.dtype | None,
    number_format: NumberFormat = NumberFormat.AUTO,
) -> dict[str, Any]:
    """Return the options that tell transformers how a model attends; {}: its own choice.

    Its choice is SDPA for nearly all models, which uses FlashAttention's kernels for prompts.
    Language models keep SDPA in any case: the steps of FlashAttention 2 look at the mask on the
    CPU, so they cannot be recorded as CUDA graphs.

    Args:
        architecture: of the checkpoint's `model_type`.
        device: where the model goes: "cpu", "cuda", "mps".
        dtype: that it computes in; None: not known.
        number_format: of the weights.
    """
    if (
        device != "cuda"
        or not architecture.packs_images
        or dtype not in (torch.float16, torch.bfloat16)
        or number_format.is_quantized
        or not is_flash_attn_2_available()
        or torch.cuda.get_device_capability() < FLASH_CAPABILITY
    ):
        return {}
    return {"attn_implementation": {"text_config": "sdpa", "vision_config": "flash_attention_2"}}
