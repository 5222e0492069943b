"""Answers that are read again in another coordinate space, without the model."""

import dataclasses

import pytest
from PIL import Image

from vlm_demo.analysis.reread import reread, spaces_to_choose
from vlm_demo.answering.target_replies import assign_targets, merge_replies
from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.errors import InputError
from vlm_demo.families import all_families, get_family
from vlm_demo.markup.coordinate_spaces import SPACES
from vlm_demo.values import Box, Reply, ReplyState, Request, Task, Timing

GENERIC = ModelSpec(name="any", family="generic", checkpoint="a/b")
REQUEST = Request(Task.GROUNDING, "the cup", (Image.new("RGB", (640, 480)),))
WHOLE_NUMBERS = '[{"label": "cup", "bbox": [100, 200, 300, 400]}]'
FRACTIONS = '[{"label": "cup", "bbox": [0.1, 0.2, 0.3, 0.4]}]'


def read(spec: ModelSpec, raw: str) -> Reply:
    family = get_family(spec.family)
    return family.reply(raw, family.prompt(REQUEST))


def boxes(reply: Reply) -> list[Box]:
    return [r for m in reply.mentions for r in m.regions if isinstance(r, Box)]


def test_what_the_numbers_count_can_be_chosen_once_the_answer_is_there() -> None:
    unknown = read(GENERIC, WHOLE_NUMBERS)
    assert (unknown.state, unknown.mentions) == (ReplyState.SPACE_UNKNOWN, ())
    pixels = reread(GENERIC, REQUEST, unknown, "pixel_xyxy")
    assert [box.to_pixels((640, 480)) for box in boxes(pixels)] == [(100, 200, 300, 400)]
    swapped = reread(GENERIC, REQUEST, pixels, "normalized_1000_yxyx")
    assert boxes(swapped) == [Box(0.2, 0.1, 0.4, 0.3)]
    assert reread(GENERIC, REQUEST, swapped, "").state is ReplyState.SPACE_UNKNOWN
    assert {pixels.raw, swapped.raw} == {WHOLE_NUMBERS}


def test_what_was_measured_stays() -> None:
    first = read(GENERIC, FRACTIONS)
    places = tuple(dataclasses.replace(p, confidence=0.75) for p in first.parsed_places)
    measured = dataclasses.replace(first, parsed_places=places, timing=Timing(1, 2, 3))
    again = reread(GENERIC, REQUEST, measured, "square_1_xyxy")
    assert [mention.confidence for mention in again.mentions] == [0.75]
    assert again.timing == Timing(1, 2, 3)


def test_each_of_several_things_is_read_again() -> None:
    request = dataclasses.replace(REQUEST, text="cup, dog")
    llava = ModelSpec(name="l", family="llava15", checkpoint="a/b")
    family = get_family("llava15")
    cup, dog = family.split_request(request)
    parts = [
        family.reply("[0.10, 0.20, 0.30, 0.40]", family.prompt(cup)),
        family.reply("There is no dog.", family.prompt(dog)),
    ]
    again = reread(llava, request, merge_replies(("cup", "dog"), parts), "normalized_1_xyxy")
    assert boxes(again) == [Box(0.1, 0.2, 0.3, 0.4)]
    assert [(one.name, one.state, one.raw) for one in again.targets] == [
        ("cup", ReplyState.FOUND, "[0.10, 0.20, 0.30, 0.40]"),
        ("dog", ReplyState.NONE, "There is no dog."),
    ]

    one_answer = assign_targets(read(GENERIC, WHOLE_NUMBERS), ("cup", "dog"))
    again = reread(GENERIC, request, one_answer, "pixel_xyxy")
    assert [(one.name, one.state) for one in again.targets] == [
        ("cup", ReplyState.FOUND),
        ("dog", ReplyState.NONE),
    ]


def test_an_unknown_space_is_refused() -> None:
    for name in ("nonsense", "x" * 10_000):
        with pytest.raises(InputError, match="There is no coordinate space") as caught:
            reread(GENERIC, REQUEST, read(GENERIC, FRACTIONS), name)
        assert len(str(caught.value)) < 400


def test_a_choice_is_offered_only_where_there_is_a_doubt() -> None:
    every = tuple(SPACES.values())
    assert spaces_to_choose(GENERIC, read(GENERIC, WHOLE_NUMBERS)) == every
    assert spaces_to_choose(GENERIC, read(GENERIC, FRACTIONS)) == every
    assert spaces_to_choose(GENERIC, read(GENERIC, "A cup.")) == ()
    llava = ModelSpec(name="l", family="llava15", checkpoint="a/b")
    answer = read(llava, "[0.10, 0.20, 0.30, 0.40]")
    assert [space.name for space in spaces_to_choose(llava, answer)] == ["normalized_1_xyxy"]
    assert spaces_to_choose(dataclasses.replace(llava, embedded=True), answer) == ()
    qwen = ModelSpec(name="q", family="qwen3_vl", checkpoint="a/b")
    assert spaces_to_choose(qwen, read(qwen, WHOLE_NUMBERS)) == ()


def test_every_contested_space_is_a_space() -> None:

    for family in all_families().values():
        assert set(family.contested_spaces) <= set(SPACES), family.name
        if family.contested_spaces:
            assert family.markup, family.name
            assert family.markup.space.name not in family.contested_spaces


def test_a_choice_is_remembered_for_its_model() -> None:
    other = dataclasses.replace(GENERIC, name="other")
    backend = Backend((GENERIC, other))
    backend.choose_space("any", "pixel_xyxy")
    assert [spec.coordinate_space for spec in backend.menu] == ["pixel_xyxy", ""]
    backend.choose_space("any", "")
    assert backend.menu == (GENERIC, other)
    with pytest.raises(InputError, match="There is no coordinate space 'pixels of"):
        backend.choose_space("any", "pixels of the moon")
