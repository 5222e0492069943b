"""Chooses the decoder that runs a model, from its architecture and its device."""

from __future__ import annotations

import logging
from typing import Any

from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from vlm_demo.engines.local.decoding.cuda_graphs import CudaGraphRecorder, GraphedDecoder
from vlm_demo.engines.local.decoding.decoders import Decoder, Kosmos2Decoder, MropeDecoder
from vlm_demo.prompting.architecture import Architecture, PositionIds

log = logging.getLogger(__name__)

SHARED_LAYERS = (DynamicLayer, DynamicSlidingWindowLayer)
"""Cache layers of which a batch keeps nothing but keys and values, one column a token."""


def select_decoder(model: Any, architecture: Architecture) -> Decoder | None:
    """Return the fastest decoder for a loaded model; None where requests cannot share a step."""
    decoder = eager_decoder(model, architecture.position_ids)
    if decoder is None:
        return None
    if not has_shareable_cache(model):
        log.warning(
            "Models of type %r keep more than keys and values between tokens, so their requests "
            "are answered one after the other, whatever their family declares.",
            model.config.model_type,
        )
        return None
    if model.device.type == "cuda" and architecture.cuda_graphs and allows_cuda_graphs(model):
        return GraphedDecoder(decoder, CudaGraphRecorder(model.device))
    return decoder


def eager_decoder(model: Any, position_ids: PositionIds | None) -> Decoder | None:
    """Return the decoder that computes each step anew; None where requests cannot share one."""
    match position_ids:
        case "plain":
            return Decoder(model)
        case "mrope":
            return MropeDecoder(model)
        case "kosmos2":
            return Kosmos2Decoder(model)
        case None:
            return None


def has_shareable_cache(model: Any) -> bool:
    """Whether all that a model keeps between tokens is keys and values, one column a token.

    Linear attention, convolutions and state spaces keep a state that cannot be cut at a token, and
    attention in chunks needs a mask that batches do not make.
    """
    config = model.config
    if getattr(model, "_is_stateful", False):
        return False
    kinds = getattr(config.get_text_config(decoder=True), "layer_types", None) or ()
    layers = DynamicCache(config=config).layers
    return "chunked_attention" not in kinds and all(type(one) in SHARED_LAYERS for one in layers)


def allows_cuda_graphs(model: Any) -> bool:
    """Whether a model, as it is loaded, runs the same list of operations in every step.

    8-bit layers look for outliers in their inputs. Rotary positions that are stretched for long
    texts depend on the length. A model on several GPUs has several streams.
    """
    text = model.config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    devices = set(getattr(model, "hf_device_map", {}).values())
    return (
        text._attn_implementation == "sdpa"
        and getattr(model.config, "quantization_config", None) is None
        and len(devices) <= 1
        and not {"dynamic", "longrope"} & set(_rope_types(rope))
    )


def _rope_types(rope: dict[str, Any]) -> list[str]:
    """Return the kinds of rotary positions; some models have one for each kind of layer."""
    by_layer = [value for value in rope.values() if isinstance(value, dict)] or [rope]
    return [str(each.get("rope_type", "")) for each in by_layer]
