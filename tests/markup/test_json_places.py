"""Families that write JSON: what golden data cannot say about them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vlm_demo.errors import UnsupportedTaskError
from vlm_demo.families import get_family
from vlm_demo.families.qwen.qwen2_5_vl import MAX_PIXELS, MAX_RATIO, MIN_PIXELS, smart_size
from vlm_demo.markup.json_scan import MAX_DEPTH, find_structures
from vlm_demo.values import Box, Frame, Point, Polygon, Prompt, Request, Size, Task

FRAME = Frame((1000, 1000), (1000, 1000))
WRITERS = ("json", "qwen2_5_vl", "qwen3_vl", "gemma3", "glm4v", "moondream")


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((640, 428), (644, 420)),  # Qwen's process_bbox.ipynb
        ((640, 480), (644, 476)),
        ((28, 28), (56, 56)),
        ((10, 2000), (28, 812)),
        ((4000, 3000), (1148, 840)),
        ((1, 9000), (28, 812)),
        ((1, 1), (56, 56)),
    ],
)
def test_qwen2_5_is_shown_whole_patches(size: Size, seen: Size) -> None:
    assert smart_size(size) == seen
    prompt = get_family("qwen2_5_vl").prompt(Request(Task.CHAT, "hi", (Image.new("L", size),)))
    assert prompt.frame == Frame(size, seen)
    assert prompt.messages[-1].images[0].size == seen


@settings(deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_no_processor_resizes_what_qwen2_5_is_shown(width: int, height: int) -> None:
    """What transformers' smart_resize asks of a size before it leaves it alone."""
    seen = smart_size((width, height))
    assert seen[0] % 28 == seen[1] % 28 == 0
    assert MIN_PIXELS <= seen[0] * seen[1] <= MAX_PIXELS
    assert max(seen) <= MAX_RATIO * min(seen)
    assert smart_size(seen) == seen


def test_a_region_is_written_in_the_pixels_that_qwen2_5_sees() -> None:
    picture = Image.new("RGB", (2000, 2000))
    request = Request(Task.DESCRIBE_REGION, "", (picture,), regions=(Box(0.5, 0.5, 1, 1),))
    prompt = get_family("qwen2_5_vl").prompt(request)
    assert prompt.messages[-1].text.endswith('{"bbox_2d": [490, 490, 980, 980]}')


def test_boxes_of_gemma_are_called_an_experiment() -> None:
    picture = Image.new("RGB", (64, 64))
    for task in (Task.GROUNDING, Task.DETECT):
        prompt = get_family("gemma3").prompt(Request(task, "dog", (picture,)))
        assert "experiment" in prompt.note
    assert not get_family("gemma3").prompt(Request(Task.CHAT, "hi", (picture,))).note


def test_json_cannot_be_asked() -> None:
    with pytest.raises(UnsupportedTaskError, match="a format of answers, not a model"):
        get_family("json").prompt(Request(Task.CHAT, "hi"))


def test_a_draft_has_no_places_though_nothing_opened_it() -> None:
    family = get_family("qwen3_vl_thinking")
    draft = 'Perhaps [{"bbox_2d": [1, 2, 3, 4], "label": "a"}]'
    for end in range(len(draft)):
        reply = family.reply(draft[:end], Prompt((), frame=FRAME))
        assert (reply.text, reply.mentions) == ("", ())
        assert reply.reasoning == draft[:end].strip()
    reply = family.reply(f"{draft}</think>Two dogs.", Prompt((), frame=FRAME))
    assert (reply.text, reply.reasoning) == ("Two dogs.", draft)


def test_marks_show_the_numbers_as_they_stand_in_the_output() -> None:
    box = '```json\n[{"bbox_2d": [10, 20.5, 30, 40], "label": "a"}]\n```'
    raw = f'Two: {box} and <points x="1" y="2"/>'
    reply = get_family("qwen3_vl").reply(raw, Prompt((), frame=FRAME))
    assert [(raw[slice(*mark.span)], mark.numbers) for mark in reply.parsed_places] == [
        ("[10, 20.5, 30, 40]", (10, 20.5, 30, 40)),
        (' x="1" y="2"/', (1, 2)),
    ]
    assert [type(mark.region) for mark in reply.parsed_places] == [Box, Point]


def test_a_polygon_is_read_with_all_its_corners() -> None:
    raw = '{"polygon": [[0, 0], [500, 0], [500, 1000], [0, 500]]}'
    (mention,) = get_family("json").reply(raw, Prompt((), frame=FRAME)).mentions
    assert mention.regions == (Polygon((Point(0, 0), Point(0.5, 0), Point(0.5, 1), Point(0, 0.5))),)


def test_a_long_answer_in_json_about_other_things_is_shown_while_it_grows() -> None:
    raw = '{"invoice": {"lines": [' + '{"item": "tea", "price": 2.5}, ' * 20
    reply = get_family("qwen3_vl").reply(raw, Prompt((), frame=FRAME))
    assert reply.text == raw.strip()


def test_brackets_deeper_than_any_model_nests_them_are_junk() -> None:
    box = '{"bbox_2d": [1, 2, 3, 4], "label": "a"}'
    for depth in (MAX_DEPTH - 1, MAX_DEPTH * 50):
        raw = "[" * depth + box + "]" * depth
        (mention,) = get_family("json").reply(raw, Prompt((), frame=FRAME)).mentions
        assert mention.phrase == "a"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("bbox_2d", "label", "points", "x", "y", "polygon", "z")), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(values, st.sampled_from((json.dumps, repr)))
def test_all_json_and_python_is_one_whole(value: object, write: object) -> None:
    assert callable(write)
    written = write({"value": value})
    (structure,) = find_structures(f"see {written} there")
    assert structure.root is not None
    assert (structure.start, structure.end) == (4, 4 + len(written))


@settings(max_examples=200, deadline=None)
@given(values, st.integers(0, 200))
def test_cut_json_is_read_without_harm(value: object, cut: int) -> None:
    raw = json.dumps([{"bbox_2d": [1, 2, 3, 4], "label": "first"}, value])
    cut = max(cut, raw.index("}") + 1)
    for family in map(get_family, WRITERS):
        reply = family.reply(raw[:cut], Prompt((), frame=FRAME))
        assert reply.raw == raw[:cut]
        if family.name not in ("moondream", "glm4v"):
            assert "first" in [mention.phrase for mention in reply.mentions]
