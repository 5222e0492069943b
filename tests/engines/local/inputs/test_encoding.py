"""Prompts as the model is given them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image
from support.engines import TinyEngine, ask

from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.errors import EngineError
from vlm_demo.families import get_family
from vlm_demo.values import Message, Request, Task


def test_llava15_prompt_is_the_training_template(llava: LocalEngine, picture: Image.Image) -> None:
    history = (Message("user", "Where?", (picture,)), Message("assistant", " [0.10, 0.20] "))
    asked = get_family("llava15").prompt(Request(Task.CHAT, "And now?", history=history))
    assert llava._encoder.render(asked) == (
        "USER: <image>\nWhere? ASSISTANT: [0.10, 0.20]</s>USER: And now? ASSISTANT:"
    )
    asked = get_family("llava15").prompt(Request(Task.CAPTION, "A red", (picture,)))
    assert llava._encoder.render(asked) == (
        "USER: <image>\nProvide a one-sentence caption for the provided image. ASSISTANT: A red"
    )


def test_kosmos2_prompt_is_a_plain_string(kosmos: LocalEngine, picture: Image.Image) -> None:
    asked = ask("kosmos2", picture, Task.GROUNDED_CAPTION)
    assert kosmos._encoder.render(asked) == "<grounding> what is it?"
    assert kosmos._encoder.render(ask("kosmos2", picture)) == (
        "<grounding> Question: what is it? Answer:"
    )


def test_smolvlm_prompt_is_the_checkpoints_own(smol: LocalEngine, picture: Image.Image) -> None:
    assert smol._encoder.render(ask("smolvlm", picture)) == (
        "<|im_start|>User:<image>what is it?<end_of_utterance>\nAssistant:"
    )


@pytest.mark.parametrize("argument", ["enable_thinking", "thinking"])
@pytest.mark.parametrize(
    ("thinking", "end"), [(None, "<think>\n"), (True, "<think>\n"), (False, "<think></think>")]
)
def test_a_template_is_told_whether_to_reason(
    smol: LocalEngine, argument: str, thinking: bool | None, end: str
) -> None:
    template = (
        "{{ messages[0]['content'][0]['text'] }}<think>{{ '</think>' if "
        f"{argument} is defined and {argument} is false else '\n' }}}}"
    )
    prompt = replace(ask("smolvlm", None), chat_template=template, thinking=thinking)
    assert smol._encoder.render(prompt) == f"what is it?{end}"


def test_a_template_without_a_switch_is_not_ignored(smol: LocalEngine) -> None:
    with pytest.raises(EngineError, match="cannot turn reasoning on or off"):
        smol._encoder.render(replace(ask("smolvlm", None), thinking=False))


@pytest.mark.parametrize("family", ["llava15", "kosmos2", "smolvlm"])
def test_the_beginning_of_text_stands_there_once(
    family: str, picture: Image.Image, request: pytest.FixtureRequest
) -> None:
    fixture = {"llava15": "llava", "kosmos2": "kosmos", "smolvlm": "smol"}[family]
    engine: LocalEngine = request.getfixturevalue(fixture)
    ids = engine._encoder.encode(ask(family, picture)).ids
    bos = engine._encoder.tokenizer.bos_token_id
    assert ids[0] == bos
    assert ids.count(bos) == 1


def test_tokens_of_pictures_are_counted(llava: LocalEngine, picture: Image.Image) -> None:
    with_picture = len(llava._encoder.encode(ask("llava15", picture)).ids)
    assert with_picture - len(llava._encoder.encode(ask("llava15", None)).ids) >= 16


def test_control_tokens_are_those_of_the_tokenizer(kosmos: LocalEngine, smol: LocalEngine) -> None:
    assert {"</s>", "<phrase>", "<patch_index_1023>"} <= kosmos.control_tokens
    assert {"<image>", "<end_of_utterance>", "<row_1_col_1>"} <= smol.control_tokens


@pytest.mark.parametrize("name", ["llava", "qwen2_vl"])
def test_pictures_are_made_ready_once(name: str, open_tiny: Callable[..., TinyEngine]) -> None:
    model = open_tiny(name)
    texts = ("what is it?", "where is it?", "why?")
    first, *others = [
        model.engine._encoder.encode(model.prompt(text)).inputs["pixel_values"] for text in texts
    ]
    assert all(other is first for other in others)
    another = model.engine._encoder.encode(model.prompt(texts[0], 1)).inputs["pixel_values"]
    assert another is not first
