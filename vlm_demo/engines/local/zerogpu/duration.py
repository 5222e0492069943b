"""Estimates for how long a request needs a GPU.

Nothing here has been measured on ZeroGPU: these are careful guesses for half an H200, several times
slower than it could be. Requesting too many seconds costs people priority in the queue; requesting
too few cuts their answer off.
"""

from __future__ import annotations

import math

START_S = 6.0
"""Seconds to fork a process and to set CUDA up in it."""

LOADED_BYTES_PER_S = 1e9
"""Bytes of weights that come from disk to the GPU in a second."""

PROMPT_OPERATIONS_PER_S = 5e13
"""Operations in a second while a prompt is read: two for each weight and token."""

TOKEN_S = 0.04
"""Seconds that a token takes even with a small model."""

READ_BYTES_PER_S = 1e12
"""Bytes of weights that the GPU reads in a second; every token needs all of them."""

MIN_S = 10
"""Fewest seconds that are requested."""

MAX_S = 120
"""Most seconds that are requested. People who are not signed in have two minutes a day, and calls
for more than they have are refused: https://huggingface.co/docs/hub/spaces-zerogpu#usage-tiers."""


def gpu_seconds(weight_bytes: int, prompt_tokens: int, new_tokens: int) -> int:
    """Return how many seconds a request needs a GPU, if the model has to be loaded first."""
    operations = weight_bytes * prompt_tokens  # twice the weights, each of two bytes
    seconds = (
        START_S
        + weight_bytes / LOADED_BYTES_PER_S
        + operations / PROMPT_OPERATIONS_PER_S
        + new_tokens * (TOKEN_S + weight_bytes / READ_BYTES_PER_S)
    )
    return min(max(math.ceil(seconds), MIN_S), MAX_S)
