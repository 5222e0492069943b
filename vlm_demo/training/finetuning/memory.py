"""Estimates the memory of a training step, before one is tried.

Activations of a layer are counted as in https://arxiv.org/abs/2205.05198 (section 4.1: s b h (34 +
5 a s / h) bytes in 16 bits), and the scores of the vocabulary as three copies in 32 bits.
"""

from __future__ import annotations

from typing import Any

from vlm_demo.engines import free_memory
from vlm_demo.errors import OutOfMemoryError
from vlm_demo.setting_declarations import Device
from vlm_demo.units import format_bytes

TRAINED_BYTES = 16
"""Bytes of each trained parameter: itself, its gradient, and the two averages of Adam."""

LOADED_BYTES = 4
"""Those of them that it takes already, as the model is loaded."""

MEASURED_SHARE = 2.3
"""What a step of the embedded LLaVA with an adapter took (1.7 GB for 32 rows), as a multiple of the
formula, which knows neither adapters nor what the allocator keeps."""

_COPIES_OF_SCORES = 3


def row_bytes(config: Any, tokens: int, element_bytes: int) -> int:
    """Estimate the bytes that one row takes in a step.

    Args:
        config: of the model, as transformers has it.
        tokens: of the longest row, those of pictures included.
        element_bytes: of the numbers that are computed with.
    """
    text = config.get_text_config()
    vision = getattr(config, "vision_config", None)
    patches = _patches(vision)
    layers = _activations(text, tokens) + (_activations(vision, patches) if vision else 0)
    scores = tokens * _number(text, "vocab_size") * 4 * _COPIES_OF_SCORES
    return round(layers * element_bytes / 2 * MEASURED_SHARE) + scores


def fitting_rows(wanted: int, *, trained: int, row: int, device: Device) -> int:
    """Return how many rows fit into the free memory at a time: `wanted`, or a part of it.

    Args:
        wanted: rows of a step.
        trained: number of trained parameters.
        row: bytes of a row.
        device: that trains.

    Raises:
        OutOfMemoryError: not even one fits; the message says what would help.
    """
    free = free_memory(device).for_model
    left = free - trained * (TRAINED_BYTES - LOADED_BYTES)
    rows = wanted
    while rows > 1 and rows * row > left:
        rows = max(part for part in range(1, rows) if wanted % part == 0)
    if row > left:
        raise OutOfMemoryError(
            "Training this model takes about {needed} more memory than it has now, and {free} are "
            "free. Close other programs, train an adapter (--method lora, or qlora), use "
            "smaller images, or choose a smaller model.",
            needed=format_bytes(free - left + row),
            free=format_bytes(max(free, 0)),
        )
    return rows


def _activations(config: Any, tokens: int) -> int:
    """Bytes of the activations of all layers for some tokens, in 16 bits."""
    hidden = _number(config, "hidden_size", "embed_dim", "d_model", "hidden_dim")
    heads = _number(config, "num_attention_heads", "attention_heads", "num_heads")
    layers = _number(config, "num_hidden_layers", "layers", "depth", "num_layers")
    return layers * tokens * (34 * hidden + 5 * heads * tokens)


def _number(config: Any, *names: str) -> int:
    """Return the first of some sizes that a configuration has."""
    for name in names:
        value = getattr(config, name, None)
        if isinstance(value, int):
            return value
        if isinstance(value, list | tuple) and value:
            return int(max(value))
    return 0


def _patches(vision: Any) -> int:
    """Return how many patches a picture is cut into, where it has one size."""
    side, patch = (getattr(vision, name, None) for name in ("image_size", "patch_size"))
    if isinstance(side, int) and isinstance(patch, int) and patch:
        return (side // patch) ** 2
    return 1024
