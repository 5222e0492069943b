"""A chosen resolution reaches the image processors of real model types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from support.engines import TinyEngine, load_engine, write
from support.tiny_checkpoints import CHECKPOINTS, save

from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.engines.local.inputs.image_cache import ImageDigests
from vlm_demo.families import get_family
from vlm_demo.prompting.family import Family
from vlm_demo.values import Request, Sampling, Task

LARGE = Image.radial_gradient("L").resize((1_600, 1_200)).convert("RGB")


def count_tokens(engine: LocalEngine, family: Family, visual_tokens: int | None) -> int:
    """Return how many tokens stand for a large picture."""
    sampling = Sampling(visual_tokens=visual_tokens)
    prompt = family.prompt(Request(Task.CHAT, "what is it?", (LARGE,), sampling=sampling))
    return engine.inspect(prompt).image_tokens


@pytest.mark.parametrize("name", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_patches_of_a_picture_are_as_many_as_chosen(
    tiny: Callable[[str], TinyEngine], name: str
) -> None:
    model = tiny(name)
    for tokens in (256, 576, 1_280):
        seen = count_tokens(model.engine, model.family, tokens)
        assert 0.9 * tokens < seen <= tokens


def test_tiles_of_internvl_are_as_many_as_chosen(tiny: Callable[[str], TinyEngine]) -> None:
    model = tiny("internvl")
    counts = [
        count_tokens(model.engine, model.family, one.tokens) for one in model.family.resolutions
    ]
    # A tile has 4 tokens in this checkpoint, and 12 tiles already have the form of this picture.
    assert counts == [4 * tiles for tiles in (1, 1 + 4, 1 + 12, 1 + 12)]


def test_tiles_of_smolvlm_are_as_many_as_chosen(tmp_path: Path) -> None:
    recipe = replace(
        CHECKPOINTS["smolvlm"],
        image_options={"size": {"longest_edge": 2_048}, "max_image_size": {"longest_edge": 512}},
        config=CHECKPOINTS["smolvlm"].config
        | {"vision_config.image_size": 512, "vision_config.patch_size": 128},
    )
    engine, family = load_engine(save(recipe, tmp_path)), get_family("smolvlm")
    try:
        counts = [count_tokens(engine, family, one.tokens) for one in family.resolutions]
        assert counts == [4 * tiles for tiles in (1, 5, 10, 13)]  # of 4 x 3 tiles, and the whole
        assert count_tokens(engine, family, None) == counts[-1]
    finally:
        engine.close()


def test_a_resolution_is_not_mixed_up_with_another_in_the_caches(
    tiny: Callable[[str], TinyEngine],
) -> None:
    model = tiny("qwen2_5_vl")

    def ask(tokens: int) -> tuple[str, ImageDigests]:
        sampling = Sampling(max_new_tokens=4, visual_tokens=tokens)
        request = Request(Task.CHAT, "what is it?", (LARGE,), sampling=sampling)
        prompt = model.family.prompt(request)
        return write(model.engine, prompt, sampling), model.engine._encoder.encode(prompt).images

    fine, coarse, again = map(ask, (576, 256, 576))
    assert fine == again
    assert fine[1] != coarse[1]
