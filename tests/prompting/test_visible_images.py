"""Which images of a conversation a model is shown: the page is told what the prompt does."""

from itertools import product

import pytest
from PIL import Image

from vlm_demo.families import get_family
from vlm_demo.prompting.family import FamilyLimits
from vlm_demo.prompting.images.visible_images import visible_images
from vlm_demo.values import Box, Message, Region, RegionForm, Request, Task

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)


def test_a_model_without_history_is_shown_the_newest_images() -> None:
    one, two = FamilyLimits(history="none"), FamilyLimits(max_images=2, history="none")
    assert visible_images(one, ["ab", "", "c"]) == ("c",)
    assert visible_images(one, ["ab", "", ""]) == ("b",)
    assert visible_images(two, ["ab", "c", ""]) == ("b", "c")
    assert visible_images(two, [""]) == ()


def test_an_image_too_many_starts_the_conversation_anew() -> None:
    limits = FamilyLimits(max_images=2)
    assert visible_images(limits, ["a", "", "b", ""]) == ("a", "b")
    assert visible_images(limits, ["a", "", "b", "", "c"]) == ("b", "c")
    assert visible_images(limits, ["ab", "", "c"]) == ("c",)


def test_a_crop_counts_as_the_image_that_it_is_part_of() -> None:
    limits = FamilyLimits(max_images=3)
    assert visible_images(limits, ["a", "", "b"], [0, 0, 1]) == ("a", "b")
    assert visible_images(limits, ["a", "", "b"], [0, 0, 2]) == ("b", "b", "b")
    assert visible_images(limits, ["a", ""], [0, 1]) == ("a", "a")
    assert visible_images(limits, [""], [2]) == ()
    alone = FamilyLimits(max_images=3, history="none")
    assert visible_images(alone, ["a", ""], [2, 0]) == ("a",)


@pytest.mark.parametrize("form", [RegionForm.AUTO, RegionForm.CROP])
@pytest.mark.parametrize("name", ["smolvlm", "llava15", "kosmos2", "blip2", "emu", "qwen3_vl"])
def test_the_prompt_has_these_images(name: str, form: RegionForm) -> None:
    """For all conversations of three turns with up to two images and two regions each."""
    family = get_family(name)
    tried = 0
    for counts in product(range(3), range(2), range(3)):
        for regions in product(((), (LEFT,), (LEFT, RIGHT)), repeat=2):
            request, turns = conversation(counts, regions, form)
            if not any(turns) or too_many(family.limits.max_images, counts, regions[-1], form):
                continue
            crops = [len(regions[0]), 0, 0, 0, len(regions[-1])] if form is RegionForm.CROP else ()
            visible = visible_images(family.limits, turns, crops)
            prompt = family.prompt(request)
            shown = [image for message in prompt.messages for image in message.images]
            assert [main_colour(image) for image in shown] == list(visible), (counts, regions)
            tried += 1
    assert tried >= 20


def conversation(
    counts: tuple[int, ...], regions: tuple[tuple[Region, ...], ...], form: RegionForm
) -> tuple[Request, list[tuple[str, ...]]]:
    """A request with so many images in its turns, and the colours of each message's images."""
    colours = iter(COLOURS)
    first, second, last = (tuple(next(colours) for _ in range(count)) for count in counts)
    earlier, newest = regions
    history = (
        Message("user", "one [1]", paint(first), earlier if first else ()),
        Message("assistant", "1"),
        Message("user", "two", paint(second)),
        Message("assistant", "2"),
    )
    request = Request(Task.CHAT, "three [1]", paint(last), newest, form, history=history)
    return request, [first, (), second, (), last]


def paint(colours: tuple[str, ...]) -> tuple[Image.Image, ...]:
    return tuple(Image.new("RGB", (96, 64), colour) for colour in colours)


def main_colour(image: Image.Image) -> str:
    centre = image.convert("RGB").getpixel((image.width // 3, image.height // 2))
    return next(c for c in COLOURS if Image.new("RGB", (1, 1), c).getpixel((0, 0)) == centre)


def too_many(
    most: int, counts: tuple[int, ...], regions: tuple[Region, ...], form: RegionForm
) -> bool:
    """Whether the family refuses the request."""
    crops = len(regions) if form is RegionForm.CROP and len(regions) > 1 else 0
    return counts[-1] > most or (crops > 0 and max(1, counts[-1]) + crops > most)
