"""Runs models step by step, with several requests in one forward pass.

This works for decoder-only models whose tokens attend to those before them, so that requests can
come and go between steps. The decoders differ in how position ids run; see
`vlm_demo.prompting.architecture.PositionIds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vlm_demo.engines.local.decoding.kv_cache import KvCache

Mask = Tensor | dict[str, Tensor] | None
"""Which columns are attended to: (rows, columns), or (rows, 1, 1, columns) for all heads and one
token, or several of those by kind of layer. None: all columns, or those in the layer's window."""


class Decoder:
    """Runs a model whose position ids are 0, 1, 2 and so on; knows nothing of requests."""

    def __init__(self, model: Any) -> None:
        self._model = self._language_model = model
        text_config = model.config.get_text_config()
        self._takes_4d_masks = text_config._attn_implementation == "sdpa"
        self._window, self._mixed = _window(text_config)

    @property
    def device(self) -> torch.device:
        """The device of the model's inputs."""
        device: torch.device = self._model.device
        return device

    def prefill(self, inputs: Mapping[str, Tensor], cache: KvCache) -> tuple[Tensor, int]:
        """Run a prompt, except for the tokens that the cache holds already.

        The tokens in the cache must reach beyond the last image.

        Returns:
            The logits (1, vocabulary) of the token that follows, and the position offset: by how
            much positions differ from the count of tokens from now on.
        """
        known = cache.columns
        positions, offset = self._positions(inputs)
        if known:
            logits = self.compute_logits(
                inputs["input_ids"][:, known:], positions[..., known:], cache, mask=None
            )
            return logits, offset
        image_inputs = {
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
            **image_inputs,
        )
        return output.logits[:, -1], offset

    def batch_cache(self, cache: KvCache) -> KvCache:
        """Return the cache that `step` continues with, for the first row of a batch."""
        return cache

    def release(self) -> None:
        """Free what is kept from one batch to the next; call it while none is running."""

    def step(self, tokens: Tensor, counts: Tensor, offsets: Tensor, cache: KvCache) -> Tensor:
        """Append one token to every row.

        Args:
            tokens: one a row, (rows, 1).
            counts: how many tokens each row has before it, (rows, 1).
            offsets: the position offset that `prefill` returned for each row, (rows, 1).
            cache: keys and values of the rows, which end at the same column.

        Returns:
            Logits (rows, vocabulary) of the tokens that follow.
        """
        newest = cache.columns
        mask = None if len(counts) == 1 else self.mask(newest - counts, newest, newest + 1)
        return self.compute_logits(tokens, self.step_positions(counts + offsets), cache, mask)

    def step_positions(self, positions: Tensor) -> Tensor:
        """Turn a position for each row (rows, 1) into what the model takes."""
        return positions

    def mask(self, starts: Tensor, newest: Tensor | int, columns: int) -> Mask:
        """Return which columns of the cache the new token of each row attends to.

        Where the model takes it, the mask has four dimensions: given two, transformers looks at it
        on the CPU in every step, which waits for the GPU.

        Args:
            starts: the first column of each row, (rows, 1).
            newest: the column of the new tokens.
            columns: how many columns there are; those after `newest` are empty.
        """
        indices = torch.arange(columns, device=starts.device)
        seen = (indices >= starts) & (indices <= newest)
        if not self._takes_4d_masks:
            return seen.long()
        seen = seen[:, None, None]
        if not self._window:
            return seen
        near = seen & (indices > newest - self._window)
        return {"full_attention": seen, "sliding_attention": near} if self._mixed else near

    def compute_logits(
        self, tokens: Tensor, positions: Tensor, cache: KvCache, mask: Mask
    ) -> Tensor:
        """Return the logits (rows, vocabulary) of what follows after `tokens` (rows, tokens)."""
        output = self._language_model(
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
        """Return the positions of a prompt's tokens (..., tokens), and the position offset."""
        ids = inputs["input_ids"]
        return torch.arange(ids.shape[1], device=ids.device).unsqueeze(0), 0


GRIDS = ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")
"""Inputs by which M-RoPE numbers the patches of images and films."""


class MropeDecoder(Decoder):
    """Runs M-RoPE models: positions are (time, row, column), and skip by an image's longer side."""

    def _positions(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        grids = {name: inputs[name] for name in GRIDS if name in inputs}
        if not grids:
            positions, offset = super()._positions(inputs)
            return positions.expand(3, -1, -1), offset
        positions, offset = self._model.model.get_rope_index(
            input_ids=inputs["input_ids"],
            mm_token_type_ids=inputs["mm_token_type_ids"],
            **grids,
        )
        return positions, int(offset)

    def step_positions(self, positions: Tensor) -> Tensor:
        return positions.expand(3, -1, -1)


class Kosmos2Decoder(Decoder):
    """Runs KOSMOS-2, whose positions start just beyond the padding token's."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._takes_4d_masks = False
        self._language_model = model.text_model  # only this part runs after the image
        self._first = model.text_model.model.embed_positions.padding_idx + 1

    def _positions(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, int]:
        positions, _ = super()._positions(inputs)
        return positions + self._first, self._first


def _window(text_config: Any) -> tuple[int, bool]:
    """Return the size of the sliding window, and whether other layers see all tokens.

    0 means that no layer has a window. The names are those of transformers' configurations.
    """
    kinds = set(getattr(text_config, "layer_types", None) or ())
    if kinds and "sliding_attention" not in kinds:
        return 0, False
    return getattr(text_config, "sliding_window", None) or 0, bool(kinds)
