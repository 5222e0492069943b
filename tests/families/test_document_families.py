"""Families that read documents, and families whose boxes are contested: beyond golden data."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from vlm_demo.families import get_family
from vlm_demo.families.dots_ocr import MAX_PIXELS
from vlm_demo.families.microsoft.kosmos2_5 import MAX_PATCHES, PATCH, seen_size
from vlm_demo.values import Box, Frame, Polygon, Prompt, ReplyState, Request, Size, Task

FRAME = Frame((1000, 1000), (1000, 1000))
sides = st.integers(1, 20_000)


@given(st.tuples(sides, sides))
@example((1, 1))
@example((20_000, 1))
def test_kosmos_sees_a_size_that_its_processor_leaves_as_it_is(size: Size) -> None:
    seen = seen_size(size)
    assert seen_size(seen) == seen
    assert seen[0] % PATCH == seen[1] % PATCH == 0
    assert seen[0] * seen[1] <= MAX_PATCHES * PATCH**2


def test_boxes_of_kosmos_count_pixels_of_the_picture_as_it_is_sent() -> None:
    picture = Image.new("RGB", (640, 480))
    prompt = get_family("kosmos2_5").prompt(Request(Task.READ, "", (picture,)))
    assert prompt.frame == Frame((640, 480), seen_size((640, 480)))
    (sent,) = prompt.messages[-1].images
    assert get_family("kosmos2_5").prepare_image(sent).size == seen_size((640, 480))


@pytest.mark.parametrize(
    ("size", "sent"), [((300, 200), (600, 400)), ((1499, 10), (2998, 20)), ((1500, 10), (1500, 10))]
)
def test_paddle_is_given_small_pictures_at_twice_their_size(size: Size, sent: Size) -> None:
    assert get_family("paddleocr_vl").prepare_image(Image.new("RGB", size)).size == sent


def test_dots_sees_large_pages_at_once() -> None:
    width, height = get_family("dots_ocr").prepare_image(Image.new("RGB", (6000, 4000))).size
    assert width % 28 == height % 28 == 0
    assert 0.98 * MAX_PIXELS < width * height <= MAX_PIXELS


def test_a_slanted_line_of_text_stays_slanted() -> None:
    corners = "".join(f"<|LOC_{n}|>" for n in (100, 300, 500, 200, 510, 240, 110, 340))
    (mention,) = (
        get_family("paddleocr_vl").reply(f"slant{corners}", Prompt((), frame=FRAME)).mentions
    )
    (quadrilateral,) = mention.regions
    assert isinstance(quadrilateral, Polygon)
    assert quadrilateral.to_pixels((1000, 1000)) == ((100, 300), (500, 200), (510, 240), (110, 340))


@pytest.mark.parametrize(
    ("name", "words"),
    [("gemma4", "disputed"), ("kimi_vl", "not published"), ("minimax_m3_vl", "not published")],
)
def test_what_is_contested_about_boxes_is_said_with_each_answer(name: str, words: str) -> None:
    picture = Image.new("RGB", (64, 48))
    for task in (Task.GROUNDING, Task.DETECT):
        assert words in get_family(name).prompt(Request(task, "dog", (picture,))).note
    assert not get_family(name).prompt(Request(Task.CHAT, "hi", (picture,))).note


def test_the_order_of_gemma_can_be_chosen() -> None:
    raw = '[{"box_2d": [100, 200, 300, 400], "label": "dog"}]'
    for space, box in {
        "": Box(0.2, 0.1, 0.4, 0.3),
        "normalized_1000_xyxy": Box(0.1, 0.2, 0.3, 0.4),
    }.items():
        frame = Frame((1000, 1000), (1000, 1000), space)
        (mention,) = get_family("gemma4").reply(raw, Prompt((), frame=frame)).mentions
        assert mention.regions == (box,)


def test_a_page_that_is_cut_off_keeps_every_complete_element() -> None:
    family = get_family("dots_ocr")
    elements = [f'{{"bbox": [1, {n}, 30, {n + 1}], "category": "Text", "text": "line {n}"}}'
                for n in range(1, 9)]  # fmt: skip
    raw = f"[{', '.join(elements)}]"
    for end in range(len(raw)):
        complete = sum(raw[:end].count(element) for element in elements)
        reply = family.reply(raw[:end], Prompt((), frame=FRAME))
        assert len(reply.mentions) in (complete, complete + 1)
        assert reply.text.splitlines() == [f"line {n}" for n in range(1, complete + 1)]


def test_a_table_of_doctags_becomes_rows() -> None:
    raw = "<otsl><loc_1><loc_2><loc_3><loc_4><ched>a<ched>b<nl><ecel><fcel>2<nl></otsl>"
    reply = get_family("doctags").reply(raw, Prompt((), frame=FRAME))
    assert reply.text == "a | b\n| 2"
    assert reply.state is ReplyState.FOUND
