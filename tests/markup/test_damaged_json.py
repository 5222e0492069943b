"""A damaged part of JSON costs itself, never the box beside it (house rule H11)."""

import pytest

from vlm_demo.families import get_family
from vlm_demo.values import Frame, Prompt, ReplyState

PROMPT = Prompt((), frame=Frame((1000, 1000), (1000, 1000)))
BOX = '"bbox_2d": [100, 200, 300, 400]'
CAT = '{"bbox_2d": [500, 600, 700, 800], "label": "cat"}'
FOUND = {"dog": (100, 200, 300, 400), "cat": (500, 600, 700, 800)}


@pytest.mark.parametrize(
    ("damaged", "label"),
    [
        (f'{{{BOX}, "label": "the "Open" sign"}}', 'the "Open" sign'),
        (f'{{{BOX}, "label": ""Open" sign"}}', '"Open" sign'),
        (f'{{{BOX}, "label": "7" screen"}}', '7" screen'),
        (f'{{{BOX}, "label": dog}}', "dog"),
        (f'{{{BOX}, "label": dog\'s bed}}', "dog's bed"),
        (
            f'{{{BOX}, "label": \N{LEFT DOUBLE QUOTATION MARK}dog\N{RIGHT DOUBLE QUOTATION MARK}}}',
            "dog",
        ),
        (f"{{{BOX}, 'label': 'it's'}}", "it's"),
        (f'{{{BOX}, "label": "two\nlines"}}', "two\nlines"),
        (f'{{{BOX}, "label": "a\\"}}', "a"),
        (f'{{{BOX}, "label": "dog}}', "dog"),
        (f'{{{BOX}, "label": "He said "yes", then "no"."}}', 'He said "yes", then "no".'),
        (f'{{{BOX}, "label": "dog"', "dog"),
        (f'{{{BOX}, "label": "dog"}}}}', "dog"),
        (f'{{{BOX}, label": "dog"}}', "dog"),
        (f'{{{BOX}, "label: "dog"}}', "dog"),
        (f'{{{BOX[:-1]}, "label": "dog"}}', "dog"),
        ('{"bbox_2d": 100, 200, 300, 400], "label": "dog"}', "dog"),
        ('{"bbox_2d" [100, 200, 300, 400], "label" "dog"}', "dog"),
        (f'{{"label": "the "big" one", {BOX}}}', 'the "big" one'),
    ],
)
@pytest.mark.parametrize("family", ["qwen3_vl", "glm4v", "internvl", "json"])
def test_a_damaged_object_keeps_its_box_and_its_label(
    family: str, damaged: str, label: str
) -> None:
    reply = get_family(family).reply(f"[{damaged}, {CAT}]", PROMPT)
    pixels = [(m.phrase, m.regions[0].to_pixels((1000, 1000))) for m in reply.mentions]
    read = {phrase: tuple(map(round, numbers)) for phrase, numbers in pixels}
    assert read == {label: FOUND["dog"], "cat": FOUND["cat"]}
    assert reply.text == ""


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (f'[{{{BOX}}}, {{"bbox_2d": [1, 2, 3]}}]', ReplyState.PARTLY_UNREADABLE),
        ('[{"bbox_2d": [1, 2, 3]}]', ReplyState.UNREADABLE),
        ('[{"bbox_3d": [1, 2, 3, 4, 5, 6, 0, 0, 0]}]', ReplyState.UNREADABLE),
        ("[]", ReplyState.NONE),
        ('{"bbox_2d": null}', ReplyState.NONE),
        ('[{"bbox_2d": [], "label": "cat"}]', ReplyState.NONE),
        ('{"bbox_2d": [0, 0, 0, 0]}', ReplyState.NONE),
    ],
)
def test_what_is_lost_is_told_from_what_is_not_there(raw: str, state: ReplyState) -> None:
    assert get_family("qwen3_vl").reply(raw, PROMPT).state is state
