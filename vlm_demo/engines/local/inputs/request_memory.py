"""Estimates how much memory a request takes, and refuses one that does not fit."""

from __future__ import annotations

import logging
from typing import Any

import torch

from vlm_demo.errors import OutOfMemoryError
from vlm_demo.translatable_text import DisplayText, TranslatableText, list_alternatives
from vlm_demo.units import format_bytes

log = logging.getLogger(__name__)

ROOM_TO_GROW = 1.25
"""Bytes of keys and values that are allocated, per byte in use: buffers grow by a quarter."""

MIN_NEW_TOKENS = 32
"""Fewest tokens that are proposed for an answer; a shorter one is not worth it."""


def kv_bytes(config: Any, tokens: int, dtype: torch.dtype) -> int:
    """Return the bytes of keys and values of some tokens, over all layers that keep them."""
    text = config.get_text_config(decoder=True)
    heads = largest(text, "num_key_value_heads") or largest(text, "num_attention_heads")
    size = largest(text, "head_dim") or text.hidden_size // largest(text, "num_attention_heads")
    kinds = getattr(text, "layer_types", None) or ["attention"] * text.num_hidden_layers
    layers = sum(kind.endswith("attention") and "linear" not in kind for kind in kinds)
    return int(2 * layers * heads * size * tokens * dtype.itemsize)


def largest(config: Any, name: str) -> int:
    """Return a number of a configuration, the largest where layers differ in it; 0: it has none.

    Layers differ in lists (Gemma 3n), or by `per_layer_config`, which refuses to be read as one
    number (Gemma 4; transformers/integrations/heterogeneity/configuration_utils.py, 5.23).
    """
    try:
        value = getattr(config, name, None)
    except RuntimeError:
        value = [getattr(layer, name, None) for layer in config.per_layer_config]
    if isinstance(value, list | tuple):
        return max((int(each or 0) for each in value), default=0)
    return int(value or 0)


def request_bytes(
    config: Any, *, prompt_tokens: int, image_tokens: int, new_tokens: int, dtype: torch.dtype
) -> int:
    """Estimate the memory that a request takes at its peak, from above.

    Keys and values of all tokens stay to the end. On top comes what one layer works with while the
    prompt is read, in the tower or in the language model.

    Args:
        config: the checkpoint's.
        prompt_tokens: length of the whole prompt, pictures included.
        image_tokens: how many of these stand for pictures.
        new_tokens: how long the answer may become.
        dtype: that the model computes in.
    """
    kept = kv_bytes(config, prompt_tokens + new_tokens, dtype) * ROOM_TO_GROW
    text = config.get_text_config(decoder=True)
    reading = _layer_bytes(text, prompt_tokens, dtype) + prompt_tokens**2 * dtype.itemsize
    vision = getattr(config, "vision_config", None)
    seeing = 0
    if vision is not None and image_tokens:
        seeing = _layer_bytes(vision, image_tokens * _patches_per_token(config), dtype)
    return int(kept + max(reading, seeing) + text.vocab_size * torch.float32.itemsize)


def check_request(
    config: Any,
    *,
    prompt_tokens: int,
    image_tokens: int,
    new_tokens: int,
    free: int,
    dtype: torch.dtype,
    history_tokens: int = 0,
) -> None:
    """Refuse a request that would not fit into memory, and propose what would.

    Args:
        config: the checkpoint's.
        prompt_tokens: length of the whole prompt, pictures included.
        image_tokens: how many of these stand for pictures.
        new_tokens: how long the answer may become.
        free: bytes that may be taken.
        dtype: that the model computes in.
        history_tokens: how many tokens of the prompt are of earlier turns, which could be cleared.

    A configuration whose numbers cannot be read gives no estimate, and nothing is refused.

    Raises:
        OutOfMemoryError: it would not fit.
    """

    def peak_bytes(prompt: int = prompt_tokens, image: int = image_tokens, new: int = 0) -> int:
        return request_bytes(
            config, prompt_tokens=prompt, image_tokens=image, new_tokens=new, dtype=dtype
        )

    try:
        needed = peak_bytes(new=new_tokens)
    except _UNREADABLE as error:
        log.debug("No memory estimate for %s: %s", config.model_type, error)
        return
    if needed <= free:
        return
    remedies: list[DisplayText] = []
    tokens = 0
    smaller = image_tokens // 4  # half as wide and high
    shorter = prompt_tokens - image_tokens + smaller
    smaller_image = (
        _has_dynamic_resolution(config) and peak_bytes(shorter, smaller, new_tokens) <= free
    )
    if smaller_image:
        remedies.append(TranslatableText("use an image half as wide and high"))
    if history_tokens and peak_bytes(prompt_tokens - history_tokens, new=new_tokens) <= free:
        remedies.append(TranslatableText("clear the conversation"))
    affordable = (free - peak_bytes()) / (kv_bytes(config, 1, dtype) * ROOM_TO_GROW)
    if affordable >= MIN_NEW_TOKENS:
        tokens = _round_down(affordable)
        remedies.append(
            TranslatableText("ask for at most {count} new tokens", {"count": f"{tokens:,}"})
        )
    raise OutOfMemoryError(
        "This request needs about {needed} of memory, and {free} are free. You can {remedies}.",
        needed=format_bytes(needed),
        free=format_bytes(max(free, 0)),
        remedies=list_alternatives(remedies or [TranslatableText("choose a smaller model")]),
        smaller_image=smaller_image,
        new_tokens=tokens,
    )


_UNREADABLE = (AttributeError, KeyError, IndexError, TypeError, ValueError, ArithmeticError)
"""Errors of an estimate that does not find the numbers it needs."""


def _layer_bytes(config: Any, tokens: int, dtype: torch.dtype) -> int:
    """Return the bytes that one layer of a transformer works with.

    They are the input twice, queries, keys, values and result of the attention with copies of keys
    and values for all heads, and three times the width of the feed-forward part.
    """
    hidden = largest(config, "hidden_size") or config.embed_dim[0]
    inner = largest(config, "intermediate_size") or 4 * hidden
    return int(tokens * (8 * hidden + 3 * inner) * dtype.itemsize)


def _patches_per_token(config: Any) -> int:
    """Return how many patches of the tower become one token of the language model."""
    vision = config.vision_config
    if stages := getattr(vision, "depths", None):  # Florence-2: each halves both sides
        return int(4 ** (len(stages) - 1))
    side = getattr(vision, "spatial_merge_size", None) or getattr(config, "scale_factor", 0)
    shrunk = getattr(config, "downsample_ratio", None)  # InternVL
    return round((side or 1 / (shrunk or 1)) ** 2)


def _has_dynamic_resolution(config: Any) -> bool:
    """Whether a smaller picture takes fewer tokens; other models resize every picture alike."""
    return getattr(getattr(config, "vision_config", None), "spatial_merge_size", None) is not None


def _round_down(number: float) -> int:
    """Keep two digits and fill up with zeros, for a number that people would choose."""
    step = int(10 ** max(len(str(int(number))) - 2, 0))
    return int(number) // step * step
