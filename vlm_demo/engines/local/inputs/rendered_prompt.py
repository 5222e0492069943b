"""Describes what a checkpoint is given for a prompt: its tokens, and its images as it sees them.

Processors return images in four forms (transformers 5.23): tiles (n, channels, height, width); the
same for each of several prompts; patches in groups of `merge_size` squared that `image_grid_thw`
puts together (`patchify` in models/qwen2_vl/image_processing_qwen2_vl.py, also used by GLM-4V); and
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
from vlm_demo.translatable_text import message
from vlm_demo.values import Prompt

CHANNELS = 3
"""Colours of an image: red, green and blue."""

NOT_CONVERTIBLE = message("This model's processor returns images in a form that cannot be shown.")
"""Remark where images in the processor's output cannot be converted back."""


def describe_prompt(
    prompt: Prompt,
    text: str,
    inputs: Mapping[str, Any],
    processor: Any,
    image_token_ids: Collection[int],
) -> RenderedPrompt:
    """Describe an encoded prompt.

    Args:
        prompt: what was rendered.
        text: what it was rendered to.
        inputs: what the processor made of text and images, for one prompt.
        processor: the checkpoint's.
        image_token_ids: the tokens that stand for images.
    """
    ids = inputs["input_ids"][0].tolist()
    is_image = find_image_tokens(inputs, ids, image_token_ids)
    images = tuple(_images(inputs, processor.image_processor))
    has_images = any(message.images for message in prompt.messages)
    return RenderedPrompt(
        prompt=prompt,
        text=text,
        token_text=_collapse_image_tokens(ids, is_image, processor.tokenizer),
        tokens=len(ids),
        image_tokens=sum(is_image),
        images=images,
        note=NOT_CONVERTIBLE if has_images and not images else "",
    )


def find_image_tokens(
    inputs: Mapping[str, Any], ids: list[int], image_token_ids: Collection[int]
) -> list[bool]:
    """Return for each token whether it stands for an image.

    KOSMOS-2 gives images the ids of ordinary words, and marks them in a mask.
    """
    by_id = [token in image_token_ids for token in ids]
    mask = inputs.get("image_embeds_position_mask")
    if mask is None:
        return by_id
    return [one or bool(other) for one, other in zip(by_id, mask[0].tolist(), strict=True)]


def _collapse_image_tokens(ids: list[int], is_image: list[bool], tokenizer: Any) -> str:
    """Return the text of the tokens, with each run of image tokens written once and counted.

    The text of some words depends on those before them, so parts are cut from one growing text.
    """
    parts: list[str] = []
    words: list[int] = []
    so_far = ""
    for stands_for_image, run in groupby(zip(ids, is_image, strict=True), key=lambda item: item[1]):
        tokens = [token for token, _ in run]
        if stands_for_image:
            name = tokenizer.decode(tokens[:1]) if len(set(tokens)) == 1 else "(picture)"
            parts.append(f"{name} x {len(tokens)}" if len(tokens) > 1 else name)
        else:
            words += tokens
            text = tokenizer.decode(
                words, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
            parts.append(text.removeprefix(so_far))
            so_far = text
    return "".join(parts)


def _images(inputs: Mapping[str, Any], image_processor: Any) -> Iterator[Image.Image]:
    """Yield the images that the model sees; none where they cannot be converted back."""
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
        if tile.any():  # empty tiles only pad the rows of a batch
            yield _denormalize(tile, image_processor)


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
        # All frames of an image are the same.
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


def _denormalize(tile: torch.Tensor, image_processor: Any) -> Image.Image:
    """Undo the processing of a tile's colours (channels, height, width), last step first."""
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
