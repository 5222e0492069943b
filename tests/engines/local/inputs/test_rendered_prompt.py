"""What the local engine says that a model is given: tokens, and pictures turned back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

pytest.importorskip("torch")

import torch
from support.engines import load_engine

from vlm_demo.engines.local.inputs.rendered_prompt import NOT_CONVERTIBLE, describe_prompt
from vlm_demo.errors import EngineError
from vlm_demo.families import get_family
from vlm_demo.values import Prompt, Request, Task

RED = (255, 0, 0)


def inspected(folder: Path, family: str, request: Request) -> Any:
    engine = load_engine(folder)
    try:
        return engine.inspect(get_family(family).prompt(request))
    finally:
        engine.close()


def begun(text: str) -> str:
    """Leave out the blank that Llama's tokenizer writes before every text."""
    return text.replace("<s> ", "<s>", 1)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of the colours, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other)).mean)


def test_llava_shows_the_padded_square_and_counts_its_tokens(
    tiny_llava15: Path, picture: Image.Image
) -> None:
    family = get_family("llava15")
    seen = inspected(tiny_llava15, "llava15", Request(Task.CHAT, "What is it?", (picture,)))
    assert seen.text == "USER: <image>\nWhat is it? ASSISTANT:"
    assert begun(seen.token_text) == "<s>USER: <image> x 16\nWhat is it? ASSISTANT:"
    assert seen.image_tokens == 16
    assert seen.tokens > 16
    (square,) = seen.images
    expected = family.prepare_image(picture).resize(square.size, Image.Resampling.BICUBIC)
    assert square.size == (56, 56)
    assert difference(square, expected) < 3
    assert seen.note == ""


def test_kosmos2_says_which_ordinary_tokens_stand_for_the_picture(
    tiny_kosmos2: Path, picture: Image.Image
) -> None:
    seen = inspected(tiny_kosmos2, "kosmos2", Request(Task.GROUNDING, "a cat", (picture,)))
    assert seen.image_tokens == 64
    assert "<image>(picture) x 64</image>" in seen.token_text
    assert seen.token_text.endswith("<grounding><phrase> a cat</phrase>")
    assert seen.prompt.answer_prefix in seen.text


def test_smolvlm_shows_its_tiles(tiny_smolvlm: Path, picture: Image.Image) -> None:
    seen = inspected(tiny_smolvlm, "smolvlm", Request(Task.CHAT, "What is it?", (picture,)))
    assert len(seen.images) == seen.token_text.count("<image> x 4") > 1
    assert seen.image_tokens == 4 * len(seen.images)
    assert {tile.size for tile in seen.images} == {(56, 56)}
    assert difference(seen.images[-1], picture.resize((56, 56))) < 40  # the whole, small


def test_a_prompt_without_a_picture_has_none(tiny_llava15: Path) -> None:
    seen = inspected(tiny_llava15, "llava15", Request(Task.CHAT, "Hello"))
    assert (seen.images, seen.image_tokens, seen.note) == ((), 0, "")
    assert begun(seen.token_text) == "<s>USER: Hello ASSISTANT:"


def test_an_unloaded_model_says_so(tiny_llava15: Path) -> None:
    engine = load_engine(tiny_llava15)
    engine.close()
    with pytest.raises(EngineError, match="unloaded"):
        engine.inspect(get_family("llava15").prompt(Request(Task.CHAT, "Hello")))


class Words:
    """A tokenizer whose tokens are the words of a list."""

    def decode(self, ids: list[int], **_: Any) -> str:
        return " ".join(str(token) for token in ids)


class Processor:
    def __init__(self, image_processor: Any) -> None:
        self.tokenizer, self.image_processor = Words(), image_processor


def described(values: Any, image_processor: Any, **inputs: Any) -> Any:
    """The inspection of made-up inputs."""
    message = get_family("llava15").prompt(
        Request(Task.CHAT, "x", (Image.new("RGB", (8, 8), RED),))
    )
    prompt = Prompt(message.messages)
    inputs |= {"input_ids": torch.tensor([[1, 7, 7, 2]]), "pixel_values": values}
    return describe_prompt(prompt, "", inputs, Processor(image_processor), {7})


class Rows:
    """Patches row by row, as Molmo 2 has them; colours from -1 to 1."""

    patch_size = 2
    do_rescale, rescale_factor = True, 1 / 255
    do_normalize, image_mean, image_std = True, [0.5] * 3, [0.5] * 3


def test_rows_of_patches_are_put_together() -> None:
    pixels = torch.arange(4 * 4 * 3).reshape(4, 4, 3).float()
    patches = pixels.reshape(2, 2, 2, 2, 3).transpose(1, 2).reshape(1, 4, 12)
    (picture,) = described(patches / 127.5 - 1, Rows()).images
    assert list(picture.tobytes()) == pixels.flatten().int().tolist()


def test_merged_patches_of_pictures_of_different_sizes_are_put_together() -> None:
    transformers = pytest.importorskip("transformers")
    processor = transformers.Qwen2VLImageProcessorPil(
        patch_size=14, merge_size=2, min_pixels=28 * 28, max_pixels=28 * 28 * 64
    )
    wide, tall = (Image.linear_gradient("L").resize(size) for size in ((112, 56), (56, 84)))
    pictures = [wide.convert("RGB"), tall.convert("RGB")]
    made = processor(images=pictures, return_tensors="pt")
    seen = described(made["pixel_values"], processor, image_grid_thw=made["image_grid_thw"])
    assert [picture.size for picture in seen.images] == [(112, 56), (56, 84)]
    for picture, original in zip(seen.images, pictures, strict=True):
        assert difference(picture, original) < 2


def test_empty_tiles_of_a_batch_are_left_out() -> None:
    tiles = torch.zeros(1, 3, 3, 4, 4)
    tiles[0, 0] = 0.5
    assert len(described(tiles, Rows()).images) == 1


def test_pictures_that_cannot_be_turned_back_are_not_made_up() -> None:
    seen = described(torch.ones(5, 7), Rows())
    assert seen.images == ()
    assert seen.note == NOT_CONVERTIBLE
    assert seen.token_text == "17 x 2 2"
