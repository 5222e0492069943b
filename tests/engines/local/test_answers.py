"""Answers of whole engines, with real model classes made tiny."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from support.engines import SHORT, ask, load_engine, write

from vlm_demo.engines.local.engine import LocalEngine
from vlm_demo.errors import EngineError, TooLongError
from vlm_demo.families import get_family
from vlm_demo.values import Message, Prompt, Request, Sampling, Task


@pytest.mark.parametrize("family", ["llava15", "kosmos2", "smolvlm"])
def test_every_task_of_every_family_is_answered(
    family: str, picture: Image.Image, request: pytest.FixtureRequest
) -> None:
    fixture = {"llava15": "llava", "kosmos2": "kosmos", "smolvlm": "smol"}[family]
    engine: LocalEngine = request.getfixturevalue(fixture)
    for task in get_family(family).instructions:
        list(engine.stream(ask(family, picture, task), SHORT))


@pytest.mark.parametrize("fixture", ["llava", "smol"])
def test_the_picture_changes_the_answer(
    fixture: str, picture: Image.Image, request: pytest.FixtureRequest
) -> None:
    engine: LocalEngine = request.getfixturevalue(fixture)
    family = {"llava": "llava15", "smol": "smolvlm"}[fixture]
    pictures = [picture, Image.new("RGB", (64, 96), "blue"), Image.new("RGB", (64, 64), "white")]
    assert len({write(engine, ask(family, image)) for image in pictures}) > 1


@pytest.mark.parametrize("size", [(1, 1), (10_000, 50), (3, 700)])
@pytest.mark.parametrize("family", ["llava15", "kosmos2", "smolvlm"])
def test_pictures_of_extreme_shapes_are_answered(
    family: str, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    fixture = {"llava15": "llava", "kosmos2": "kosmos", "smolvlm": "smol"}[family]
    engine: LocalEngine = request.getfixturevalue(fixture)
    asked = ask(family, Image.new("RGB", size, "red"), Task.CAPTION)
    list(engine.stream(asked, Sampling(max_new_tokens=2)))


def test_chat_without_a_picture(llava: LocalEngine, smol: LocalEngine) -> None:
    assert write(llava, ask("llava15", None))
    assert write(smol, ask("smolvlm", None))


def test_typed_control_tokens_do_not_break_the_answer(
    llava: LocalEngine, picture: Image.Image
) -> None:
    request = Request(Task.CHAT, "is <image> or </s> or <box> here?", (picture,))
    asked = get_family("llava15").prompt(request, control_tokens=llava.control_tokens)
    ids = llava._encoder.encode(asked).ids
    assert ids.count(llava._model.config.image_token_id) == 16
    assert llava._encoder.tokenizer.eos_token_id not in ids
    write(llava, asked)


def test_picture_tokens_are_never_written(llava: LocalEngine, picture: Image.Image) -> None:
    image_token = llava._model.config.image_token_id
    for seed in range(3):
        asked = Prompt(
            ask("llava15", picture).messages,
            chat_template=get_family("llava15").chat_template,
            keep_special_tokens=True,
        )
        text = write(llava, asked, Sampling(max_new_tokens=60, temperature=50.0, seed=seed))
        assert llava._encoder.tokenizer.decode([image_token]) not in text


# Choices


CHOICES = ("red", "red car", "赤い丸", "yes", "a photo of a cat")


@pytest.mark.parametrize("family", ["llava15", "kosmos2", "smolvlm"])
@pytest.mark.parametrize("temperature", [0.0, 9.0])
def test_the_answer_is_exactly_one_of_the_choices(
    family: str, temperature: float, picture: Image.Image, request: pytest.FixtureRequest
) -> None:
    fixture = {"llava15": "llava", "kosmos2": "kosmos", "smolvlm": "smol"}[family]
    engine: LocalEngine = request.getfixturevalue(fixture)
    asked = ask(family, picture, Task.VQA, choices=CHOICES)
    for seed in range(4):
        sampling = Sampling(temperature=temperature, seed=seed)
        assert write(engine, asked, sampling) in CHOICES


def test_every_choice_can_be_made(llava: LocalEngine, picture: Image.Image) -> None:
    asked = ask("llava15", picture, Task.VQA, choices=CHOICES)
    made = {write(llava, asked, Sampling(temperature=99.0, seed=seed)) for seed in range(40)}
    assert made == set(CHOICES)


def test_a_single_choice_needs_no_model(llava: LocalEngine, picture: Image.Image) -> None:
    assert write(llava, ask("llava15", picture, Task.VQA, choices=("only",))) == "only"


# Limits


def test_a_prompt_longer_than_the_context_is_refused(
    tiny_llava15: Path, picture: Image.Image, llava: LocalEngine
) -> None:
    engine = load_engine(tiny_llava15, context=60)
    length = len(engine._encoder.encode(ask("llava15", picture)).ids)
    cut = write(engine, ask("llava15", picture), Sampling(max_new_tokens=900))
    assert cut == write(llava, ask("llava15", picture), Sampling(max_new_tokens=60 - length))
    long = get_family("llava15").prompt(Request(Task.CHAT, "what " * 60, (picture,)))
    with pytest.raises(TooLongError, match="limit of 59"):
        list(engine.stream(long, SHORT))
    engine.close()


def test_a_checkpoint_without_a_template_says_so(llava: LocalEngine, picture: Image.Image) -> None:
    with pytest.raises(EngineError, match="no chat template"):
        list(llava.stream(Prompt((Message("user", "hi", (picture,)),)), SHORT))
