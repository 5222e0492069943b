"""How models are run a step at a time, several requests in one pass.

A decoder-only model whose tokens attend to those before them can be run so that requests come and
go between steps. Three ways differ in what positions are: counted from 0; three numbers a token
(M-RoPE, https://arxiv.org/abs/2409.12191, section 2.1), which run behind the count after a picture;
counted from just beyond the padding token (KOSMOS-2). All others take turns (`turns.py`):
encoder-decoders, PaliGemma (its prompt attends to itself in both directions), BLIP-2 and
InstructBLIP (their language model is wrapped in a `generate` of its own), GIT (a picture before all
tokens).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vlm_demo.engines.local.kv_cache import KvCache

PLAIN = frozenset(
    {
        "llava",
        "llava_next",
        "llava_onevision",
        "idefics3",
        "smolvlm",
        "internvl",
        "deepseek_vl",
        "deepseek_vl_hybrid",
        "gemma3",
        "ovis2",
        "fuyu",
        "molmo2",
    }
)
"""Model types with positions from 0."""

MROPE = frozenset(
    {
        "qwen2_vl",
        "qwen2_5_vl",
        "qwen3_vl",
        "qwen3_vl_moe",
        "glm4v",
        "glm4v_moe",
        "glm46v",
    }
)
"""Model types with three positions a token."""


class Decoder:
    """Runs a model forward; knows nothing of requests."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def device(self) -> torch.device:
        """Where the model's inputs belong."""
        device: torch.device = self._model.device
        return device

    def prefill(self, inputs: Mapping[str, Tensor], cache: KvCache) -> tuple[Tensor, int]:
        """Run a prompt, but for what the cache holds of it already.

        What the cache holds must reach beyond the last picture.

        Returns:
            The logits (1, vocabulary) of the token that follows, and by how much positions are
            ahead of the count of tokens from now on.
        """
        known = cache.columns
        positions, ahead = self._positions(inputs)
        if known:
            logits = self._run(
                inputs["input_ids"][:, known:], positions[..., known:], cache, mask=None
            )
            return logits, ahead
        pictures = {
            name: value
            for name, value in inputs.items()
            if name not in ("input_ids", "attention_mask")
        }
        output = self._model(
            input_ids=inputs["input_ids"],
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
            **pictures,
        )
        return output.logits[:, -1], ahead

    def step(
        self, tokens: Tensor, counts: Tensor, ahead: Tensor, cache: KvCache, mask: Tensor | None
    ) -> Tensor:
        """Append one token to every row.

        Args:
            tokens: one a row, (rows, 1).
            counts: how many tokens each row has before it, (rows, 1).
            ahead: what `prefill` returned for each row, (rows, 1).
            cache: keys and values of the rows.
            mask: which columns of the cache belong to each row, the new one included
                (rows, columns); None: all.

        Returns:
            Logits (rows, vocabulary) of the tokens that follow.
        """
        return self._run(tokens, self._step_positions(counts + ahead), cache, mask)

    def _positions(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        """Positions of a prompt's tokens (..., tokens), and how far they are ahead at its end."""
        ids = inputs["input_ids"]
        return torch.arange(ids.shape[1], device=ids.device).unsqueeze(0), 0

    def _step_positions(self, positions: Tensor) -> Tensor:
        return positions

    def _run(
        self, tokens: Tensor, positions: Tensor, cache: KvCache, mask: Tensor | None
    ) -> Tensor:
        output = self._model(
            input_ids=tokens,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1]
        return logits


class MropeDecoder(Decoder):
    """Positions are (time, row, column); after a picture they go on from its longer side."""

    def _positions(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        if "image_grid_thw" not in inputs:
            positions, ahead = super()._positions(inputs)
            return positions.expand(3, -1, -1), ahead
        positions, ahead = self._model.model.get_rope_index(
            input_ids=inputs["input_ids"],
            mm_token_type_ids=inputs["mm_token_type_ids"],
            image_grid_thw=inputs["image_grid_thw"],
        )
        return positions, int(ahead)

    def _step_positions(self, positions: Tensor) -> Tensor:
        return positions.expand(3, -1, -1)


class Kosmos2Decoder(Decoder):
    """A picture is computed beside the words; positions begin after that of the padding token."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._words = model.text_model
        self._first = model.text_model.model.embed_positions.padding_idx + 1

    def _positions(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        positions, _ = super()._positions(inputs)
        return positions + self._first, self._first

    def _run(
        self, tokens: Tensor, positions: Tensor, cache: KvCache, mask: Tensor | None
    ) -> Tensor:
        output = self._words(
            input_ids=tokens,
            position_ids=positions,
            attention_mask=None if mask is None else mask.long(),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1]
        return logits


def decoder_for(model: Any) -> Decoder | None:
    """Return how a model is run a step at a time; None where it takes turns."""
    kind = model.config.model_type
    if kind == "kosmos-2":
        return Kosmos2Decoder(model)
    if kind in MROPE:
        return MropeDecoder(model)
    return Decoder(model) if kind in PLAIN else None
