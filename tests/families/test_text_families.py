"""Families without a markup: what the golden data of one question cannot show."""

import pytest
from PIL import Image

from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.families.blip.blip2 import CHARACTERS_PER_TOKEN, IMAGE_TOKENS
from vlm_demo.values import Frame, Message, Prompt, ReplyState, Request, Task

PICTURE = Image.new("RGB", (64, 48), "white")


def conversation(turns: int, words: str) -> tuple[Message, ...]:
    history: list[Message] = []
    for turn in range(turns):
        pictures = () if history else (PICTURE,)
        history.append(Message("user", f"What is thing {turn}?", pictures))
        history.append(Message("assistant", f"{words} {turn}"))
    return tuple(history)


# BLIP-2


@pytest.mark.parametrize(("family", "context"), [("blip2", 2048), ("blip2_t5", 512)])
def test_the_oldest_turns_are_left_out_and_the_picture_stays(family: str, context: int) -> None:
    blip2 = get_family(family)
    history = conversation(60, "It is a small round thing that lies on the table in the middle.")
    prompt = blip2.prompt(Request(Task.CHAT, "And now?", history=history))
    written = blip2.render(prompt)
    room = (context - IMAGE_TOKENS - blip2.sampling.max_new_tokens) * CHARACTERS_PER_TOKEN
    assert room - 120 < len(written) <= room  # a turn more would not fit
    assert written.startswith("Question: What is thing ")
    assert written.endswith("middle. 59. Question: And now? Answer:")
    assert "thing 0?" not in written
    assert [message.images for message in prompt.messages].count((PICTURE,)) == 1
    assert prompt.messages[0].images == (PICTURE,)


def test_a_short_conversation_is_kept_whole() -> None:
    blip2 = get_family("blip2_t5")
    written = blip2.render(
        blip2.prompt(Request(Task.CHAT, "And?", history=conversation(2, "A cup")))
    )
    assert written == (
        "Question: What is thing 0? Answer: A cup 0. "
        "Question: What is thing 1? Answer: A cup 1. Question: And? Answer:"
    )


def test_a_question_that_fills_the_room_stands_alone() -> None:
    blip2 = get_family("blip2_t5")
    prompt = blip2.prompt(Request(Task.CHAT, "why? " * 400, history=conversation(3, "A cup")))
    (message,) = prompt.messages
    assert message.images == (PICTURE,)


def test_an_answer_ends_before_the_model_asks_itself() -> None:
    for name in ("blip2", "blip2_t5"):
        assert get_family(name).prompt(Request(Task.VQA, "what?", (PICTURE,))).stop == (
            "Question:",
        )


@pytest.mark.parametrize(
    ("family", "words", "prefix"),
    [
        ("blip2", "", "a photo of"),
        ("blip2_t5", "a photo of", ""),
    ],
)
def test_an_encoder_decoder_is_not_given_the_beginning_of_its_answer(
    family: str, words: str, prefix: str
) -> None:
    prompt = get_family(family).prompt(Request(Task.CAPTION, "a photo of", (PICTURE,)))
    assert (prompt.messages[-1].text, prompt.answer_prefix) == (words, prefix)
    with pytest.raises(InputError, match="cannot continue a given beginning"):
        get_family("instructblip_t5").prompt(Request(Task.CAPTION, "a photo of", (PICTURE,)))


# OpenFlamingo


def test_examples_with_their_pictures_come_before_the_question() -> None:
    family = get_family("openflamingo")
    examples = (
        Message("user", "what?", (PICTURE,)),
        Message("assistant", "cat"),
        Message("user", "what?", (PICTURE,)),
        Message("assistant", "dog"),
    )
    prompt = family.prompt(Request(Task.VQA, "what?", (PICTURE,), history=examples))
    assert family.render(prompt) == (
        "<image>Question:what? Short answer:cat<|endofchunk|>"
        "<image>Question:what? Short answer:dog<|endofchunk|>"
        "<image>Question:what? Short answer:"
    )


def test_example_captions_come_before_the_caption() -> None:
    family = get_family("openflamingo")
    examples = (
        Message("user", "", (PICTURE,)),
        Message("assistant", "An image of two cats."),
    )
    prompt = family.prompt(Request(Task.CAPTION, "", (PICTURE,), history=examples))
    assert family.render(prompt) == ("<image>An image of two cats.<|endofchunk|><image>An image of")


# Regions and places


@pytest.mark.parametrize(
    "family",
    ["blip2", "instructblip", "openflamingo", "heron", "evovlm_jp", "emu2_chat", "idefics3"],
)
def test_a_region_is_drawn_into_the_picture_and_people_are_told(family: str) -> None:
    prompt = get_family(family).prompt(Request(Task.DESCRIBE_REGION, "", (PICTURE,)))
    assert "red box with the number 1" in str(prompt.note)
    assert prompt.messages[-1].images[0].tobytes() != PICTURE.tobytes()
    assert "1" in prompt.messages[-1].text


def test_nothing_is_invented_for_what_was_never_released() -> None:
    family, prompt = get_family("visionllm"), Prompt((), frame=Frame((640, 480), (640, 480)))
    reply = family.reply("A dog <c0> <p-12> <p34> <p56> <p78>.", prompt)
    assert reply.mentions == reply.parsed_places == ()
    assert reply.text == "A dog."
    assert reply.state is ReplyState.UNREADABLE
