"""What the local engine must know of a model's architecture to run it fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PositionIds = Literal["plain", "mrope", "kosmos2"]
"""How the tokens of a sequence are numbered.

plain: 0, 1, 2 and so on. mrope: three numbers a token (M-RoPE, https://arxiv.org/abs/2409.12191,
section 2.1), which fall behind the count of tokens after a picture. kosmos2: from just beyond the
padding token's number, by a language model that computes pictures beside the words.
"""

FilmInput = Literal["timed", "untimed"]
"""How a processor writes a film (transformers 5.23, `processing_*.py` of the model types).

timed: with the time of each frame, or pair of frames, among its words. untimed: without.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """How a `model_type` of transformers can be run. A family declares it for each of its types.

    Attributes:
        position_ids: how tokens are numbered in a decoder whose tokens attend to those before
            them; several requests then share each decode step, and prompts reuse the keys and
            values of earlier ones. None: the model's own `generate` answers one request after the
            other, as it must for encoder-decoders, prompts that attend to themselves in both
            directions, and language models wrapped in a `generate` of their own.
        cuda_graphs: whether a decode step is the same list of operations for every token, so that
            it can be recorded as a CUDA graph. It is not where experts are chosen token by token,
            nor where the model's class does not claim to be made for it.
        packs_images: whether the vision tower sees all images, or all their windows, as one
            sequence. FlashAttention attends to them at once; SDPA one after the other.
        film_input: how films are given to the model as films; None: their frames are pictures.
    """

    position_ids: PositionIds | None
    cuda_graphs: bool = False
    packs_images: bool = False
    film_input: FilmInput | None = None


ONE_AT_A_TIME = Architecture(position_ids=None)
"""The architecture of models whose requests cannot share a decode step."""
