"""A search by example: a box drawn into one image, looked for in another."""

from __future__ import annotations

import pytest
from PIL import Image

from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.prompting.regions.region_overlays import RED
from vlm_demo.values import Box, RegionForm, ReplyState, Request, Task

PICTURE = Image.new("RGB", (1000, 500), "white")
MARK = Box(0.1, 0.2, 0.3, 0.6)


def search(*regions: Box, task: Task = Task.GROUNDING) -> Request:
    return Request(task, "", (PICTURE,), regions, RegionForm.EXAMPLE)


def test_the_example_is_drawn_into_a_first_image_as_upstream_documents_it() -> None:
    family = get_family("deepseek_vl2")
    prompt = family.prompt(search(MARK))
    (question,) = prompt.messages
    marked, searched = question.images
    assert marked.getpixel((100, 200)) == RED
    assert searched.getpixel((100, 200)) == (255, 255, 255)
    assert question.text == (
        "<|grounding|>In the first image, an object within the red rectangle is marked. Locate the "
        "object of the same category in the second image."
    )
    reply = family.reply("<|ref|>cat<|/ref|><|det|>[[0, 0, 999, 999]]<|/det|>", prompt)
    assert (reply.state, reply.mentions[0].image_index) == (ReplyState.FOUND, 1)


def test_what_cannot_be_searched_by_example_is_refused() -> None:
    family = get_family("deepseek_vl2")
    for asked, request, reason in (
        (get_family("qwen2_vl"), search(MARK), "cannot search by example"),
        (family, search(MARK, Box(0.5, 0.5, 0.6, 0.6)), "one region"),
        (family, search(MARK, task=Task.CAPTION), "Only a search"),
        (family, search(), "needs text"),
    ):
        with pytest.raises(InputError, match=reason):
            asked.check(request)
