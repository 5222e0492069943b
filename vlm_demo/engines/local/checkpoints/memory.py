"""What memory is free, and how much of it models and requests take."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

import psutil
import torch

from vlm_demo.engines.base import Dtype, FreeMemory, Quantization
from vlm_demo.engines.local.checkpoints.fetching import folder_on_disk
from vlm_demo.engines.local.checkpoints.placement import offered_formats, pick_device, pick_dtype
from vlm_demo.engines.local.checkpoints.weights import StoredWeights, read_weights
from vlm_demo.errors import LoadError, OutOfMemoryError
from vlm_demo.settings import Device
from vlm_demo.units import format_bytes

SPARE_BYTES = 500_000_000
"""Memory of each device that is left to the rest of the program."""

ROOM_TO_GROW = 1.25
"""Keys and values that are held, per those in use: buffers grow by a quarter."""

LEAST_NEW_TOKENS = 32
"""A shorter answer is not worth proposing."""

_DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}
"""Number formats as safetensors calls them."""


# What is free


def free_memory(device: Device = "auto") -> FreeMemory:
    """Measure what another model could take, of the machine and of the GPUs that are used."""
    ram = _at_least_nothing(psutil.virtual_memory().available - SPARE_BYTES)
    if device not in ("auto", "cuda") or not torch.cuda.is_available():
        return FreeMemory(ram)  # Apple's GPUs share the memory of the machine
    gpus = (_at_least_nothing(free - SPARE_BYTES) for free in free_on_device("cuda"))
    return FreeMemory(ram, gpu=sum(gpus))


def free_on_device(device: str) -> list[int]:
    """Return the free bytes of each GPU, or of the machine where models do not go to GPUs."""
    if device != "cuda":
        return [psutil.virtual_memory().available]
    return [torch.cuda.mem_get_info(gpu)[0] for gpu in range(torch.cuda.device_count())]


def release_memory() -> None:
    """Give back to the system what closed models have left; call it when nothing refers to them."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        _trim_heap()


def _trim_heap() -> None:
    """Return the free parts of the heap, which glibc keeps: https://man7.org/linux/man-pages/man3/malloc_trim.3.html."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
    if trim:
        trim(0)


def _at_least_nothing(size: int) -> int:
    return max(size, 0)


# What a model takes


def weights_memory(
    checkpoint: str,
    revision: str | None,
    dtype: Dtype,
    quantization: Quantization,
    device: Device = "auto",
) -> int | None:
    """Return the fewest bytes that a checkpoint's weights take once loaded.

    None where they are not on this machine, or cannot be read.
    """
    weights = _weights_on_disk(checkpoint, revision)
    if weights is None:
        return None
    return _least_bytes(weights, dtype, quantization, pick_device(device))


def weights_memory_by_format(
    checkpoint: str, revision: str | None, device: Device = "auto"
) -> dict[tuple[Dtype, Quantization], int | None]:
    """Return `weights_memory` for each way to load a checkpoint that makes sense here."""
    target, weights = pick_device(device), _weights_on_disk(checkpoint, revision)
    return {
        (dtype, quantization): (
            None if weights is None else _least_bytes(weights, dtype, quantization, target)
        )
        for dtype, quantization in offered_formats(target)
        if weights is None or quantization != "4bit" or weights.can_be_4bit
    }


def footprint(model: Any) -> int:
    """Return the bytes of a loaded model's weights, each counted once where several share them."""
    return int(model.get_memory_footprint())


def precision(model: Any) -> str:
    """Say in which number format a loaded model computes: "float32", "4-bit"."""
    if getattr(model, "is_loaded_in_4bit", False):
        return "4-bit"
    if getattr(model, "is_loaded_in_8bit", False):
        return "8-bit"
    return str(model.dtype).removeprefix("torch.")


def _weights_on_disk(checkpoint: str, revision: str | None) -> StoredWeights | None:
    folder = folder_on_disk(checkpoint, revision)
    try:
        return None if folder is None else read_weights(folder)
    except LoadError:
        return None  # loading it will say so


def _least_bytes(
    weights: StoredWeights, dtype: Dtype, quantization: Quantization, device: str
) -> int:
    own = _DTYPES.get(weights.main_dtype)
    chosen = pick_dtype(weights, own, dtype, quantization, device=device, free=0)
    return weights.memory(chosen.itemsize if chosen else None, quantization)


# What a request takes


def kv_bytes(config: Any, tokens: int, dtype: torch.dtype) -> int:
    """Return the size of the keys and values of some tokens, in every layer that keeps them."""
    text = config.get_text_config(decoder=True)
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    kinds = getattr(text, "layer_types", None) or ["attention"] * text.num_hidden_layers
    layers = sum(kind.endswith("attention") and "linear" not in kind for kind in kinds)
    return int(2 * layers * heads * size * tokens * dtype.itemsize)


def request_bytes(
    config: Any, *, prompt_tokens: int, picture_tokens: int, new_tokens: int, dtype: torch.dtype
) -> int:
    """Estimate the memory that a request takes at its peak, from above.

    Keys and values of all tokens stay to the end; what one layer works with while the prompt is
    read, in the tower or in the language model, comes on top.

    Args:
        config: the checkpoint's.
        prompt_tokens: of the whole prompt, those of pictures included.
        picture_tokens: of these, those that stand for pictures.
        new_tokens: how long the answer may get.
        dtype: that the model computes in.
    """
    kept = kv_bytes(config, prompt_tokens + new_tokens, dtype) * ROOM_TO_GROW
    text = config.get_text_config(decoder=True)
    reading = _layer_bytes(text, prompt_tokens, dtype) + prompt_tokens**2 * dtype.itemsize
    vision = getattr(config, "vision_config", None)
    seeing = 0
    if vision is not None and picture_tokens:
        seeing = _layer_bytes(vision, picture_tokens * _patches_per_token(config), dtype)
    return int(kept + max(reading, seeing) + text.vocab_size * torch.float32.itemsize)


def check_request(
    config: Any,
    *,
    prompt_tokens: int,
    picture_tokens: int,
    new_tokens: int,
    free: int,
    dtype: torch.dtype,
    history_tokens: int = 0,
) -> None:
    """Refuse a request that would not fit into memory, and say what would.

    Args:
        config: the checkpoint's.
        prompt_tokens: of the whole prompt, those of pictures included.
        picture_tokens: of these, those that stand for pictures.
        new_tokens: how long the answer may get.
        free: bytes that may be taken.
        dtype: that the model computes in.
        history_tokens: of the prompt, those of earlier turns, which could be cleared.

    Raises:
        OutOfMemoryError: it would not fit.
    """

    def needed(prompt: int = prompt_tokens, picture: int = picture_tokens, new: int = 0) -> int:
        return request_bytes(
            config, prompt_tokens=prompt, picture_tokens=picture, new_tokens=new, dtype=dtype
        )

    if needed(new=new_tokens) <= free:
        return
    remedies, tokens = [], 0
    smaller = picture_tokens // 4  # half as wide and high
    shorter = prompt_tokens - picture_tokens + smaller
    smaller_picture = _sees_every_size(config) and needed(shorter, smaller, new_tokens) <= free
    if smaller_picture:
        remedies.append("take a picture half as wide and high")
    if history_tokens and needed(prompt_tokens - history_tokens, new=new_tokens) <= free:
        remedies.append("clear the conversation")
    fewer = (free - needed()) / (kv_bytes(config, 1, dtype) * ROOM_TO_GROW)
    if fewer >= LEAST_NEW_TOKENS:
        tokens = _rounded_down(fewer)
        remedies.append(f"ask for at most {tokens:,} new tokens")
    raise OutOfMemoryError(
        f"This request needs about {format_bytes(needed(new=new_tokens))} of memory, and "
        f"{format_bytes(_at_least_nothing(free))} are free. Please "
        f"{', or '.join(remedies) or 'choose a smaller model'}.",
        smaller_picture=smaller_picture,
        new_tokens=tokens,
    )


def _layer_bytes(config: Any, tokens: int, dtype: torch.dtype) -> int:
    """What one layer of a transformer works with.

    The input twice, queries, keys, values and result of the attention with copies of keys and
    values for all heads, and three times the width of the feed-forward part.
    """
    hidden = getattr(config, "hidden_size", None) or config.embed_dim[0]
    inner = getattr(config, "intermediate_size", None) or 4 * hidden
    return int(tokens * (8 * hidden + 3 * inner) * dtype.itemsize)


def _patches_per_token(config: Any) -> int:
    """How many patches of the tower become one token of the language model."""
    vision = config.vision_config
    if stages := getattr(vision, "depths", None):  # Florence-2: each halves both sides
        return int(4 ** (len(stages) - 1))
    side = getattr(vision, "spatial_merge_size", None) or getattr(config, "scale_factor", 0)
    shrunk = getattr(config, "downsample_ratio", None)  # InternVL
    return round((side or 1 / (shrunk or 1)) ** 2)


def _sees_every_size(config: Any) -> bool:
    """Whether a smaller picture takes fewer tokens: others resize every picture to one size."""
    return getattr(getattr(config, "vision_config", None), "spatial_merge_size", None) is not None


def _rounded_down(number: float) -> int:
    """Two digits and zeros, as a number that people would choose."""
    step = int(10 ** max(len(str(int(number))) - 2, 0))
    return int(number) // step * step
