"""Whole answers that a family would be taught: its own reader reads back what was written."""

import pytest
from PIL import Image
from support.families import WITH_MARKUP, each

from vlm_demo.families import get_family
from vlm_demo.markup.written_answers import AnswerPhrase
from vlm_demo.prompting.family import Family
from vlm_demo.values import Box, Point, Reply, ReplyState, Request, Task

PICTURE = Image.new("RGB", (640, 480), "white")
TWO = (Box(0.1, 0.2, 0.5, 0.6), Box(0.6, 0.3, 0.9, 0.8))

POINTING_ONLY = {"molmo", "molmo2"}
"""Families that can only point: of a box they keep the centre."""

ALWAYS_A_PLACE = {"qwen_vl_base"}
"""Families whose prompt already opens a box, so that they cannot say that a thing is absent."""

WHOLE_CELLS = {"kosmos2": 0.75}
"""The least IoU of families that write cells of a grid instead of corners."""


def write_and_read(family: Family, request: Request, *parts: str | AnswerPhrase) -> Reply:
    prompt = family.prompt(request)
    return family.reply(prompt.answer_prefix + family.write_answer(parts, prompt), prompt)


def check_places(family: Family, reply: Reply, boxes: tuple[Box, ...]) -> None:
    places = [region for mention in reply.mentions for region in mention.regions]
    assert reply.state is ReplyState.FOUND
    assert len(places) == len(boxes)
    for place, box in zip(places, boxes, strict=True):
        if family.name in POINTING_ONLY:
            assert isinstance(place, Point)
            centre = ((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2)
            assert (place.x, place.y) == pytest.approx(centre, abs=0.002)
        else:
            assert isinstance(place, Box)
            assert place.iou(box) >= WHOLE_CELLS.get(family.name, 0.9)


SEARCHES = [family for family in WITH_MARKUP if Task.GROUNDING in family.instructions]


@each(SEARCHES)
def test_what_a_search_found_is_read_back(family: Family) -> None:
    reply = write_and_read(
        family, Request(Task.GROUNDING, "red cat", (PICTURE,)), AnswerPhrase("red cat", TWO)
    )
    check_places(family, reply, TWO)
    assert {mention.phrase.strip() for mention in reply.mentions} == {"red cat"}


@each(SEARCHES)
def test_what_is_absent_has_no_place(family: Family) -> None:
    if family.name in ALWAYS_A_PLACE:
        return
    request = Request(Task.GROUNDING, "cat", (PICTURE,))
    reply = write_and_read(family, request, AnswerPhrase("cat", ()))
    assert (reply.state, reply.mentions) == (ReplyState.NONE, ())


@each([family for family in WITH_MARKUP if Task.DETECT in family.instructions])
def test_each_thing_of_a_list_keeps_its_name(family: Family) -> None:
    things = [AnswerPhrase("cat", TWO[:1]), AnswerPhrase("dog", TWO[1:]), AnswerPhrase("owl", ())]
    reply = write_and_read(family, Request(Task.DETECT, "cat", (PICTURE,)), *things)
    check_places(family, reply, TWO)
    if family.name not in ("moondream", "doctags", "smoldocling"):  # their answers name nothing
        assert [mention.phrase.strip() for mention in reply.mentions] == ["cat", "dog"]


@each([family for family in WITH_MARKUP if Task.GROUNDED_CAPTION in family.instructions])
def test_a_sentence_is_read_back_with_the_places_of_its_phrases(family: Family) -> None:
    parts = (AnswerPhrase("A cat", TWO[:1]), " on ", AnswerPhrase("a mat", TWO[1:]), ".")
    reply = write_and_read(family, Request(Task.GROUNDED_CAPTION, "", (PICTURE,)), *parts)
    check_places(family, reply, TWO)
    assert " ".join(reply.text.split()).casefold().endswith("a cat on a mat.")


def test_lists_have_labels_in_a_fence_where_the_makers_show_one() -> None:
    qwen = get_family("qwen3_vl")
    prompt = qwen.prompt(Request(Task.GROUNDING, '"red" cat', (PICTURE,)))
    written = qwen.write_answer((AnswerPhrase('"red" cat', TWO[:1]),), prompt)
    assert written == (
        '```json\n[\n\t{"bbox_2d": [100, 200, 500, 600], "label": "\\"red\\" cat"}\n]\n```'
    )
    assert qwen.write_answer((AnswerPhrase("cat", ()),), prompt) == "```json\n[]\n```"


def test_places_in_a_sentence_of_a_json_family_come_behind_it() -> None:
    qwen = get_family("qwen2_5_vl")
    parts = ("There: ", AnswerPhrase("a cat", TWO[:1]), ".")
    reply = write_and_read(qwen, Request(Task.CHAT, "Where is it?", (PICTURE,)), *parts)
    check_places(qwen, reply, TWO[:1])
    assert (reply.text.strip(), reply.mentions[0].phrase) == ("There: a cat.", "a cat")


def test_an_answer_continues_the_sentence_that_the_prompt_begins() -> None:
    kosmos = get_family("kosmos2")
    prompt = kosmos.prompt(Request(Task.CAPTION, "", (PICTURE,)))
    assert prompt.answer_prefix == "An image of"
    assert kosmos.write_answer(("A cat on a mat.",), prompt) == " a cat on a mat."
    assert kosmos.write_answer(("Tokyo at night.",), prompt) == " Tokyo at night."


def test_reasoning_that_the_prompt_opens_is_closed_first() -> None:
    thinking = get_family("qwen3_vl_thinking")
    prompt = thinking.prompt(Request(Task.CHAT, "What is it?", (PICTURE,)))
    written = thinking.write_answer(("A cat.",), prompt)
    assert written == "</think>\n\nA cat."
    assert thinking.reply(written, prompt).text == "A cat."
