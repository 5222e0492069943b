"""How families change the image before the model is given it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vlm_demo.families import get_family
from vlm_demo.families.qwen.qwen2_5_vl import MAX_PIXELS, MIN_PIXELS, smart_size
from vlm_demo.prompting.images.padding import CLIP_MEAN, pad_to_square
from vlm_demo.prompting.images.patch_sizes import MAX_RATIO
from vlm_demo.values import Box, Frame, Request, Size, Task


def test_padding_centres_the_image_on_the_mean_colour() -> None:
    square = pad_to_square(Image.new("RGB", (100, 50), "red"))
    assert square.size == (100, 100)
    assert square.getpixel((50, 10)) == CLIP_MEAN
    assert square.getpixel((50, 50)) == (255, 0, 0)


@pytest.mark.parametrize("size", [(10_000, 50), (1, 1), (1, 9_000)])
def test_extreme_images_get_a_small_square(size: Size) -> None:
    square = pad_to_square(Image.new("RGB", size))
    assert square.size[0] == square.size[1] <= 2048


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((640, 428), (644, 420)),  # Qwen's process_bbox.ipynb
        ((640, 480), (644, 476)),
        ((28, 28), (56, 56)),
        ((10, 2000), (28, 812)),
        ((4000, 3000), (1148, 840)),
        ((1, 9000), (28, 812)),
        ((1, 1), (56, 56)),
    ],
)
def test_qwen2_5_is_shown_whole_patches(size: Size, seen: Size) -> None:
    assert smart_size(size) == seen
    prompt = get_family("qwen2_5_vl").prompt(Request(Task.CHAT, "hi", (Image.new("L", size),)))
    assert prompt.frame == Frame(size, seen)
    assert prompt.messages[-1].images[0].size == seen


@settings(deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_no_processor_resizes_what_qwen2_5_is_shown(width: int, height: int) -> None:
    """What transformers' smart_resize asks of a size before it leaves it alone."""
    seen = smart_size((width, height))
    assert seen[0] % 28 == seen[1] % 28 == 0
    assert MIN_PIXELS <= seen[0] * seen[1] <= MAX_PIXELS
    assert max(seen) <= MAX_RATIO * min(seen)
    assert smart_size(seen) == seen


def test_a_region_is_written_in_the_pixels_that_qwen2_5_sees() -> None:
    image = Image.new("RGB", (2000, 2000))
    request = Request(Task.DESCRIBE_REGION, "", (image,), regions=(Box(0.5, 0.5, 1, 1),))
    prompt = get_family("qwen2_5_vl").prompt(request)
    assert prompt.messages[-1].text.endswith('{"bbox_2d": [490, 490, 980, 980]}')
