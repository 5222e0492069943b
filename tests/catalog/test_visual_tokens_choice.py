"""Which resolutions a model offers, and what is refused."""

from __future__ import annotations

import pytest
from PIL import Image

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.catalog.visual_tokens import list_visual_tokens
from vlm_demo.errors import InputError
from vlm_demo.families import all_families, get_family
from vlm_demo.values import Box, Request, Sampling, Task


def spec_of(family: str, **values: str) -> ModelSpec:
    return ModelSpec(name="m", family=family, checkpoint="nobody/nothing", **values)  # type: ignore[arg-type]  # of any field


def test_resolutions_are_told_by_the_family_and_the_engine() -> None:
    assert list_visual_tokens(spec_of("qwen2_vl")) == (256, 576, 1_280, 2_560, 5_120)
    assert list_visual_tokens(spec_of("internvl")) == (256, 1_280, 3_328, 6_400)
    assert list_visual_tokens(spec_of("llava15")) == ()
    # A server is only reached by the size of the picture.
    assert list_visual_tokens(spec_of("qwen2_vl", engine="remote")) != ()
    assert list_visual_tokens(spec_of("internvl", engine="remote")) == ()


def test_resolutions_are_listed_from_coarse_to_fine() -> None:
    for family in all_families().values():
        counts = [one.tokens for one in family.resolutions]
        assert counts == sorted(set(counts)), family.name


@pytest.mark.parametrize(
    ("family", "message"),
    [("llava15", "does not let you choose"), ("qwen2_vl", "Choose one of 256, 576")],
)
def test_a_resolution_that_a_model_does_not_have_is_refused(
    picture: Image.Image, family: str, message: str
) -> None:
    backend = Backend([spec_of(family)])
    request = Request(Task.CHAT, "hi", (picture,), sampling=Sampling(visual_tokens=99))
    with pytest.raises(InputError, match=message):
        backend.check("m", request)


def test_pixels_are_counted_in_the_picture_of_the_chosen_resolution() -> None:
    family, picture = get_family("qwen2_5_vl"), Image.new("RGB", (1_600, 1_200))
    sampling = Sampling(visual_tokens=256)
    prompt = family.prompt(Request(Task.GROUNDING, "a cat", (picture,), sampling=sampling))
    assert prompt.frame is not None
    width, height = prompt.frame.seen
    assert (width // 28) * (height // 28) <= 256
    assert prompt.messages[-1].images[0].size == (width, height)
    raw = f'[{{"bbox_2d": [0, 0, {width // 2}, {height}], "label": "a cat"}}]'
    (mention,) = family.reply(raw, prompt).mentions
    (box,) = mention.regions
    assert isinstance(box, Box)
    assert box.x2 == pytest.approx(0.5, abs=0.01)
