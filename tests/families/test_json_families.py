"""Families that write JSON: what golden data cannot say about them."""

import pytest
from PIL import Image

from vlm_demo.errors import UnsupportedTaskError
from vlm_demo.families import get_family
from vlm_demo.values import Frame, Prompt, Request, Task

PROMPT = Prompt((), frame=Frame((1000, 1000), (1000, 1000)))


def test_boxes_of_gemma_are_called_an_experiment(image: Image.Image) -> None:
    for task in (Task.GROUNDING, Task.DETECT):
        prompt = get_family("gemma3").prompt(Request(task, "dog", (image,)))
        assert "experiment" in prompt.note
    assert not get_family("gemma3").prompt(Request(Task.CHAT, "hi", (image,))).note


def test_json_cannot_be_asked() -> None:
    with pytest.raises(UnsupportedTaskError, match="an answer format, not a model"):
        get_family("json").prompt(Request(Task.CHAT, "hi"))


@pytest.mark.parametrize("name", ["qwen3_vl_thinking", "glm41v_thinking"])
def test_reasoning_has_no_regions_though_nothing_opened_it(name: str) -> None:
    family = get_family(name)
    reasoning = 'Perhaps [{"bbox_2d": [1, 2, 3, 4], "label": "a"}]'
    for end in range(len(reasoning)):
        reply = family.reply(reasoning[:end], PROMPT)
        assert (reply.text, reply.mentions) == ("", ())
        assert reply.reasoning == reasoning[:end].strip()
    reply = family.reply(f"{reasoning}</think>Two dogs.", PROMPT)
    assert (reply.text, reply.reasoning) == ("Two dogs.", reasoning)
