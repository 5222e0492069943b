"""Which of a GPU's faster ways fit a model: decisions, with the reasons for them."""

from __future__ import annotations

from typing import Any

import torch
from transformers.utils.import_utils import is_flash_attn_2_available

from vlm_demo.engines.local.decoding.decoders import Decoder
from vlm_demo.engines.local.decoding.graphs import CudaGraphs, GraphedDecoder

RECORDABLE = frozenset(
    {
        "llava",
        "llava_next",
        "llava_onevision",
        "idefics3",
        "smolvlm",
        "internvl",
        "deepseek_vl",
        "gemma3",
        "ovis2",
        "qwen2_vl",
        "qwen2_5_vl",
        "qwen3_vl",
        "glm4v",
        "glm46v",
    }
)
"""Model types whose steps are a fixed list of operations, which the tests check without a GPU.

Not among them are models with experts, whose choice of weights differs from token to token, and
KOSMOS-2, Fuyu and Molmo 2, whose classes do not claim to be made for it."""

PICTURES_IN_A_ROW = frozenset({"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe"})
"""Model types whose towers see all pictures, or all their windows, as one sequence. SDPA attends to
them one after the other; FlashAttention takes them at once."""

FLASH_CAPABILITY = (8, 0)
"""FlashAttention 2 is for Ampere and later: https://github.com/Dao-AILab/flash-attention."""


def accelerated(decoder: Decoder, model: Any) -> Decoder:
    """Return the fastest decoder for a loaded model."""
    if model.device.type == "cuda" and can_be_recorded(model):
        return GraphedDecoder(decoder, CudaGraphs(model.device))
    return decoder


def can_be_recorded(model: Any) -> bool:
    """Whether a model's steps are the same list of operations for every token.

    8-bit layers look for outliers as they go. Rotary positions that are stretched for long texts
    look how long it is. A model on several GPUs has several streams.
    """
    words = model.config.get_text_config()
    rope = getattr(words, "rope_parameters", None) or {}
    places = set(getattr(model, "hf_device_map", {}).values())
    return (
        model.config.model_type in RECORDABLE
        and words._attn_implementation == "sdpa"
        and getattr(model.config, "quantization_config", None) is None
        and len(places) <= 1
        and not {"dynamic", "longrope"} & set(_rope_types(rope))
    )


def attention(
    model_type: str, device: str, dtype: torch.dtype | None, quantization: str = "none"
) -> dict[str, Any]:
    """Return the options that tell transformers how a model is to attend; {}: as it thinks best.

    That is SDPA for nearly all, which has FlashAttention's kernels for prompts in it. It is right
    for words in any case: the steps of FlashAttention 2 look at the mask on the CPU, and cannot be
    recorded.

    Args:
        model_type: as in the checkpoint's config.json.
        device: where the model goes: "cpu", "cuda", "mps".
        dtype: that it computes in; None: not known.
        quantization: of the linear layers.
    """
    if (
        device != "cuda"
        or model_type not in PICTURES_IN_A_ROW
        or dtype not in (torch.float16, torch.bfloat16)
        or quantization != "none"
        or not is_flash_attn_2_available()
        or torch.cuda.get_device_capability() < FLASH_CAPABILITY
    ):
        return {}
    return {"attn_implementation": {"text_config": "sdpa", "vision_config": "flash_attention_2"}}


def _rope_types(rope: dict[str, Any]) -> list[str]:
    """Names of the ways to turn positions; some models have one for each kind of layer."""
    several = [value for value in rope.values() if isinstance(value, dict)] or [rope]
    return [str(each.get("rope_type", "")) for each in several]
