"""Regions in JSON: what golden data cannot say about them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlm_demo.families import get_family
from vlm_demo.markup.json_parsing.scan import MAX_DEPTH, find_structures
from vlm_demo.values import Box, Frame, Point, Polygon, Prompt

PROMPT = Prompt((), frame=Frame((1000, 1000), (1000, 1000)))
WRITERS = ("json", "qwen2_5_vl", "qwen3_vl", "gemma3", "glm4v", "moondream")


def test_parsed_places_are_the_numbers_as_they_stand_in_the_output() -> None:
    box = '```json\n[{"bbox_2d": [10, 20.5, 30, 40], "label": "a"}]\n```'
    raw = f'Two: {box} and <points x="1" y="2"/>'
    reply = get_family("qwen3_vl").reply(raw, PROMPT)
    assert [(raw[slice(*place.span)], place.numbers) for place in reply.parsed_places] == [
        ("[10, 20.5, 30, 40]", (10, 20.5, 30, 40)),
        (' x="1" y="2"/', (1, 2)),
    ]
    assert [type(place.region) for place in reply.parsed_places] == [Box, Point]


def test_a_polygon_is_read_with_all_its_corners() -> None:
    raw = '{"polygon": [[0, 0], [500, 0], [500, 1000], [0, 500]]}'
    (mention,) = get_family("json").reply(raw, PROMPT).mentions
    assert mention.regions == (Polygon((Point(0, 0), Point(0.5, 0), Point(0.5, 1), Point(0, 0.5))),)


def test_a_long_answer_in_json_about_other_things_is_shown_while_it_grows() -> None:
    raw = '{"invoice": {"lines": [' + '{"item": "tea", "price": 2.5}, ' * 20
    reply = get_family("qwen3_vl").reply(raw, PROMPT)
    assert reply.text == raw.strip()


def test_brackets_deeper_than_any_model_nests_them_are_junk() -> None:
    box = '{"bbox_2d": [1, 2, 3, 4], "label": "a"}'
    for depth in (MAX_DEPTH - 1, MAX_DEPTH * 50):
        raw = "[" * depth + box + "]" * depth
        (mention,) = get_family("json").reply(raw, PROMPT).mentions
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


@pytest.mark.thorough
@settings(max_examples=200, deadline=None)
@given(values, st.sampled_from((json.dumps, repr)))
def test_all_json_and_python_is_one_whole(value: object, write: object) -> None:
    assert callable(write)
    written = write({"value": value})
    (structure,) = find_structures(f"see {written} there")
    assert structure.root is not None
    assert (structure.start, structure.end) == (4, 4 + len(written))


@pytest.mark.thorough
@settings(max_examples=200, deadline=None)
@given(values, st.integers(0, 200))
def test_cut_json_is_read_without_harm(value: object, cut: int) -> None:
    raw = json.dumps([{"bbox_2d": [1, 2, 3, 4], "label": "first"}, value])
    cut = max(cut, raw.index("}") + 1)
    for family in map(get_family, WRITERS):
        reply = family.reply(raw[:cut], PROMPT)
        assert reply.raw == raw[:cut]
        if family.name not in ("moondream", "glm4v"):
            assert "first" in [mention.phrase for mention in reply.mentions]
