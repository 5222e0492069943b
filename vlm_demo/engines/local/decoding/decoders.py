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

from vlm_demo.engines.local.decoding.kv_cache import KvCache

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

Mask = Tensor | dict[str, Tensor] | None
"""Which columns are attended to: (rows, columns), or (rows, 1, 1, columns) for all heads and the
one token, or several such by the kind of layer. None: every column, or those in its window."""


class Decoder:
    """Runs a model forward; knows nothing of requests."""

    def __init__(self, model: Any) -> None:
        self._model = self._words = model
        words = model.config.get_text_config()
        self._takes_whole_masks = words._attn_implementation == "sdpa"
        self._window, self._mixed = _window(words)

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
            logits = self.run(
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

    def held(self, cache: KvCache) -> KvCache:
        """Return the cache that `step` goes on with, for the first row of a batch."""
        return cache

    def release(self) -> None:
        """Give back what is kept from one batch to the next; none is running."""

    def step(self, tokens: Tensor, counts: Tensor, ahead: Tensor, cache: KvCache) -> Tensor:
        """Append one token to every row.

        Args:
            tokens: one a row, (rows, 1).
            counts: how many tokens each row has before it, (rows, 1).
            ahead: what `prefill` returned for each row, (rows, 1).
            cache: keys and values of the rows, which end at the same column.

        Returns:
            Logits (rows, vocabulary) of the tokens that follow.
        """
        newest = cache.columns
        mask = None if len(counts) == 1 else self.mask(newest - counts, newest, newest + 1)
        return self.run(tokens, self.step_positions(counts + ahead), cache, mask)

    def step_positions(self, positions: Tensor) -> Tensor:
        """Turn a position for each row (rows, 1) into what the model takes."""
        return positions

    def mask(self, starts: Tensor, newest: Tensor | int, columns: int) -> Mask:
        """Say which columns of the cache a row's new token attends to.

        Where the model takes it so, the mask is whole: given a smaller one, transformers looks at
        it on the CPU at every step, which waits for the GPU.

        Args:
            starts: the first column of each row, (rows, 1).
            newest: the column of the new tokens.
            columns: how many there are; those after `newest` are empty.
        """
        places = torch.arange(columns, device=starts.device)
        seen = (places >= starts) & (places <= newest)
        if not self._takes_whole_masks:
            return seen.long()
        seen = seen[:, None, None]
        if not self._window:
            return seen
        near = seen & (places > newest - self._window)
        return {"full_attention": seen, "sliding_attention": near} if self._mixed else near

    def run(self, tokens: Tensor, positions: Tensor, cache: KvCache, mask: Mask) -> Tensor:
        """Return the logits (rows, vocabulary) of what follows after `tokens` (rows, tokens)."""
        output = self._words(
            input_ids=tokens,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def _positions(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        """Positions of a prompt's tokens (..., tokens), and how far they are ahead at its end."""
        ids = inputs["input_ids"]
        return torch.arange(ids.shape[1], device=ids.device).unsqueeze(0), 0


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

    def step_positions(self, positions: Tensor) -> Tensor:
        return positions.expand(3, -1, -1)


class Kosmos2Decoder(Decoder):
    """A picture is computed beside the words; positions begin after that of the padding token."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._takes_whole_masks = False
        self._words = model.text_model  # after the picture, only this part computes
        self._first = model.text_model.model.embed_positions.padding_idx + 1

    def _positions(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        positions, _ = super()._positions(inputs)
        return positions + self._first, self._first


def decoder_for(model: Any) -> Decoder | None:
    """Return how a model is run a step at a time; None where it takes turns."""
    kind = model.config.model_type
    if kind == "kosmos-2":
        return Kosmos2Decoder(model)
    if kind in MROPE:
        return MropeDecoder(model)
    return Decoder(model) if kind in PLAIN else None


def _window(words: Any) -> tuple[int, bool]:
    """Return how many tokens some layers look back, and whether other layers look at all.

    0: there are no such layers. The names are those of transformers' configurations.
    """
    kinds = set(getattr(words, "layer_types", None) or ())
    if kinds and "sliding_attention" not in kinds:
        return 0, False
    return getattr(words, "sliding_window", None) or 0, bool(kinds)
