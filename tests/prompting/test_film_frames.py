"""Frames of a film in prompts: in order, each behind its time, or clear words."""

from __future__ import annotations

import pytest
from PIL import Image

from vlm_demo.engines.remote.chat_request import chat_request
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.prompting.templates import fill_template
from vlm_demo.values import Message, Request, Sampling, Task

IMAGES = (Image.new("RGB", (64, 48), "red"), Image.new("RGB", (64, 48), "blue"))
REQUEST = Request(Task.CHAT, "When does it fall?", IMAGES, film_times=(0, 12.5))

PROMPTS = {
    "qwen2_vl": "<|im_start|>user\nFrame 1, 0:00: <|vision_start|><|image_pad|><|vision_end|>\n"
    "Frame 2, 0:12.5: <|vision_start|><|image_pad|><|vision_end|>\nWhen does it fall?<|im_end|>",
    "smolvlm": "User: Frame 1, 0:00: <image>\nFrame 2, 0:12.5: <image>\nWhen does it fall?"
    "<end_of_utterance>",
    "gemma3": "Frame 1, 0:00:<start_of_image>Frame 2, 0:12.5:<start_of_image>When does it fall?",
}


@pytest.mark.parametrize("family, text", PROMPTS.items())
def test_each_frame_stands_behind_its_time(family: str, text: str) -> None:
    asked = get_family(family)
    assert text in asked.render(asked.prompt(REQUEST))


def test_a_server_gets_text_and_pictures_in_turn() -> None:
    prompt = get_family("qwen2_vl").prompt(REQUEST)
    parts = chat_request(prompt, Sampling(), "openai").messages[-1]["content"]
    texts = [part.get("text", "picture") for part in parts]
    ahead = ["Frame 1, 0:00: ", "picture", "\nFrame 2, 0:12.5: ", "picture"]
    assert texts == [*ahead, "\nWhen does it fall?"]


def test_a_template_that_writes_pictures_first_gets_the_times_in_words() -> None:
    template = (
        "{% for m in messages %}{% for p in m['content'] if p['type'] == 'image' %}<image>"
        "{% endfor %}{% for p in m['content'] if p['type'] == 'text' %}{{ p['text'] }}{% endfor %}"
        "{% endfor %}"
    )
    labels = "Frame 1, 0:00:", "Frame 2, 0:12.5:"
    message = Message("user", "When?", IMAGES, labels=labels)
    assert fill_template(template, [message]) == (
        "<image><image>The pictures in order: (1) Frame 1, 0:00: (2) Frame 2, 0:12.5:\nWhen?"
    )


def test_earlier_frames_keep_their_times() -> None:
    history = (
        Message("user", "What falls?", IMAGES, film_times=(0, 12.5)),
        Message("assistant", "A cup."),
    )
    family = get_family("qwen2_vl")
    written = family.render(family.prompt(Request(Task.CHAT, "When?", history=history)))
    assert "Frame 2, 0:12.5: <|vision_start|>" in written


@pytest.mark.parametrize(
    "family, count, words", [("llava15", 2, "one image at a time"), ("qwen2_vl", 40, "at most 8")]
)
def test_too_many_frames_are_refused_in_clear_words(family: str, count: int, words: str) -> None:
    times = tuple(map(float, range(count)))
    request = Request(Task.CHAT, "When?", IMAGES[:1] * count, film_times=times)
    with pytest.raises(InputError, match=words):
        get_family(family).prompt(request)
