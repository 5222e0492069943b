"""What a checkpoint is really given for a prompt: its tokens, and its pictures turned back.

Processors leave pictures in four forms (transformers 5.23): tiles (n, channels, height, width), the
same for each of several prompts, patches in groups of `merge_size` squared that `image_grid_thw`
puts together (`patchify` in models/qwen2_vl/image_processing_qwen2_vl.py, also used by GLM-4V), and
patches row by row (`batch_pixels_to_patches` in models/molmo2/image_processing_molmo2.py).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from typing import Any

import torch
from PIL import Image

from vlm_demo.engines.base import RenderedPrompt
from vlm_demo.values import Prompt

CHANNELS = 3

NOT_TURNED_BACK = (
    "This model's processor hands pictures over in a form that cannot be turned back into pictures."
)


def inspection(
    prompt: Prompt,
    text: str,
    inputs: Mapping[str, Any],
    processor: Any,
    picture_tokens: Collection[int],
) -> RenderedPrompt:
    """Put together what there is to see of an encoded prompt.

    Args:
        prompt: what was rendered.
        text: what it was rendered to.
        inputs: what the processor made of text and pictures; one prompt.
        processor: the checkpoint's.
        picture_tokens: the tokens that stand for pictures.
    """
    ids = inputs["input_ids"][0].tolist()
    is_picture = picture_places(inputs, ids, picture_tokens)
    pictures = tuple(_pictures(inputs, processor.image_processor))
    shows_some = any(message.images for message in prompt.messages)
    return RenderedPrompt(
        prompt=prompt,
        text=text,
        token_text=_collapsed(ids, is_picture, processor.tokenizer),
        tokens=len(ids),
        image_tokens=sum(is_picture),
        pictures=pictures,
        remark=NOT_TURNED_BACK if shows_some and not pictures else "",
    )


def picture_places(
    inputs: Mapping[str, Any], ids: list[int], picture_tokens: Collection[int]
) -> list[bool]:
    """Which tokens stand for pictures.

    KOSMOS-2 puts pictures in the places of ordinary words and says so in a mask.
    """
    places = [token in picture_tokens for token in ids]
    mask = inputs.get("image_embeds_position_mask")
    if mask is None:
        return places
    return [by_id or bool(by_mask) for by_id, by_mask in zip(places, mask[0].tolist(), strict=True)]


def _collapsed(ids: list[int], is_picture: list[bool], tokenizer: Any) -> str:
    """Return the text of the tokens, with each run of picture tokens written once and counted.

    The text of some words depends on those before them, so pieces are cut from one growing text.
    """
    pieces: list[str] = []
    words: list[int] = []
    so_far = ""
    for shown, run in groupby(zip(ids, is_picture, strict=True), key=lambda item: item[1]):
        tokens = [token for token, _ in run]
        if shown:
            name = tokenizer.decode(tokens[:1]) if len(set(tokens)) == 1 else "(picture)"
            pieces.append(f"{name} x {len(tokens)}" if len(tokens) > 1 else name)
        else:
            words += tokens
            text = tokenizer.decode(
                words, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
            pieces.append(text.removeprefix(so_far))
            so_far = text
    return "".join(pieces)


def _pictures(inputs: Mapping[str, Any], image_processor: Any) -> Iterator[Image.Image]:
    """Turn what the model sees back into pictures; none where that cannot be done."""
    values, grids = inputs.get("pixel_values"), inputs.get("image_grid_thw")
    if not isinstance(values, torch.Tensor):
        return
    values = values.detach().float().cpu()
    if grids is not None and values.dim() == 2:
        tiles = _from_merged_patches(values, grids.tolist(), image_processor)
    elif values.dim() == 3:
        tiles = _from_rows_of_patches(values, image_processor)
    elif values.dim() in (4, 5) and values.shape[-3] == CHANNELS:
        tiles = iter(values.reshape(-1, *values.shape[-3:]))
    else:
        return
    for tile in tiles:
        if tile.any():  # empty tiles fill up the rows of a batch
            yield _denormalised(tile, image_processor)


def _from_merged_patches(
    values: torch.Tensor, grids: list[list[int]], image_processor: Any
) -> Iterator[torch.Tensor]:
    side, merge = image_processor.patch_size, image_processor.merge_size
    frames = image_processor.temporal_patch_size
    start = 0
    for time, rows, columns in grids:
        end = start + time * rows * columns
        patches = values[start:end].reshape(
            time, rows // merge, columns // merge, merge, merge, CHANNELS, frames, side, side
        )
        # A picture is shown in all its frames alike.
        first = patches[0, :, :, :, :, :, 0]
        yield first.permute(4, 0, 2, 5, 1, 3, 6).reshape(CHANNELS, rows * side, columns * side)
        start = end


def _from_rows_of_patches(values: torch.Tensor, image_processor: Any) -> Iterator[torch.Tensor]:
    side = getattr(image_processor, "patch_size", None)
    across = math.isqrt(values.shape[1])
    if side is None or values.shape[1:] != (across * across, side * side * CHANNELS):
        return
    for crop in values:
        patches = crop.reshape(across, across, side, side, CHANNELS)
        yield patches.permute(4, 0, 2, 1, 3).reshape(CHANNELS, across * side, across * side)


def _denormalised(tile: torch.Tensor, image_processor: Any) -> Image.Image:
    """Undo what was done to the colours of a tile (channels, height, width), last thing first."""
    if getattr(image_processor, "do_normalize", False):
        std, mean = (
            torch.tensor(numbers).reshape(-1, 1, 1)
            for numbers in (image_processor.image_std, image_processor.image_mean)
        )
        tile = tile * std + mean
    if getattr(image_processor, "do_rescale", False):
        tile = tile / image_processor.rescale_factor
    colours = tile.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(colours.numpy())
