"""Reasoning is cut out of answers, whichever markers a model writes."""

from dataclasses import replace

import pytest

from vlm_demo.families import get_family
from vlm_demo.prompting.reasoning import MARKERS
from vlm_demo.values import Frame, Prompt

PROMPT = Prompt((), frame=Frame((1000, 1000), (1000, 1000)))
DRAFT, ANSWER = "At [1, 2, 3, 4]?", "The cup is at [100, 200, 300, 400]."


@pytest.mark.parametrize(("opening", "closing"), MARKERS)
def test_regions_in_reasoning_are_never_read(opening: str, closing: str) -> None:
    family = get_family("qwen3_vl")
    for raw in (f"{opening}\n{DRAFT}{closing}{ANSWER}", f"{DRAFT}{closing}\n{ANSWER}"):
        reply = family.reply(raw, PROMPT)
        assert (reply.reasoning, len(reply.mentions)) == (DRAFT, 1)
        (place,) = reply.parsed_places
        assert raw[slice(*place.span)] == "[100, 200, 300, 400]"
    growing = family.reply(f"{opening}\n{DRAFT}", PROMPT)
    assert (growing.reasoning, growing.text, growing.mentions) == (DRAFT, "", ())


@pytest.mark.parametrize("name", ["qwen3_5", "ernie4_5_vl"])
def test_reasoning_that_was_turned_on_is_known_before_it_ends(name: str) -> None:
    """Servers do not repeat the `<think>` that the template ends with."""
    family = get_family(name)
    for thinking, growing in ((True, ("A cup?", "")), (False, ("", "A cup?"))):
        reply = family.reply("A cup?", replace(PROMPT, thinking=thinking))
        assert (reply.reasoning, reply.text) == growing
    ended = family.reply("A cup?</think>A dog.", replace(PROMPT, thinking=True))
    assert (ended.reasoning, ended.text) == ("A cup?", "A dog.")


@pytest.mark.parametrize(
    ("family", "raw"),
    [
        ("llava15", "USER: \nWhat is in [0.1, 0.2, 0.3, 0.4]? ASSISTANT: A cup."),
        ("qwen2_5_vl", "system\nYou are a helpful assistant.\nuser\nHi\nassistant\nA cup."),
        ("qwen2_vl", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nA cup.<|im_end|>"),
        ("heron", "##human: Hi\n##gpt: A cup."),
        ("sphinx", "### Human: Hi\n### Assistant: A cup.\n###"),
        ("yi_vl", "### Assistant: A cup.\n###"),
        ("llava_next", "[INST]  \nHi [/INST] A cup."),
        ("gemma3", "user\nHi\nmodel\nA cup."),
        ("cogvlm", "<EOI>Question: Hi [[001,002,003,004]] Answer: A cup."),
    ],
)
def test_a_pasted_conversation_is_read_from_its_last_answer(family: str, raw: str) -> None:
    reply = get_family(family).reply(raw, PROMPT)
    assert (reply.text, reply.mentions) == ("A cup.", ())
