"""Kimi-VL: a chat model that reads pictures of any size, and clicks on screens.

    {"bbox_2d": [0.280, 0.500, 0.520, 0.700]}
    pyautogui.click(x=0.879, y=0.294)

in fractions of the image. Unverified: users report both in issues 52 and 56 of
https://github.com/MoonshotAI/Kimi-VL, no maintainer has answered, and the wordings are ours. The
call stays in the text, its place is a point. For Kimi-K2.5 and K2.6 no format is known (issue 15 of
https://github.com/MoonshotAI/Kimi-K2.5): they are chat models here (see `kimi_k25`).

Template: swift/template/templates/moonshot.py of https://github.com/modelscope/ms-swift (August
2026). Kimi-VL runs on code of its own, or on vLLM; its thinking checkpoint reasons between
`◁think▷` and `◁/think▷`.
"""

import re
from dataclasses import replace

from vlm_demo.markup.base import (
    NUMBER_PATTERN,
    Markup,
    ParsedOutput,
    ParsedOutputBuilder,
    parse_numbers,
)
from vlm_demo.markup.coordinate_spaces import UNIT, CoordinateSpace
from vlm_demo.markup.fraction_json import fraction_writer
from vlm_demo.markup.json_markup import read_json_into
from vlm_demo.markup.json_parsing.selection import JsonDialect
from vlm_demo.markup.written_answers import json_answer_writer
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import FIND, FIND_EVERY, PLAIN_ENGLISH
from vlm_demo.prompting.targets import TargetList
from vlm_demo.translatable_text import message
from vlm_demo.values import Frame, Sampling, Task

NOTE = message(
    "How Kimi-VL was trained to write coordinates is not published. It was asked for fractions "
    "of the image; the boxes may be far off."
)

_JSON = (
    'Answer only with JSON: {"bbox_2d": [x1, y1, x2, y2], "label": "..."} for each, in fractions '
    "of the image from 0 to 1."
)
_EVERY = FIND_EVERY + _JSON

_DIALECT = JsonDialect(in_prose="any")

_CALL = re.compile(
    rf"pyautogui\.\w{{1,20}}\(\s*(?:x\s*=\s*)?(?P<x>{NUMBER_PATTERN})\s*,"
    rf"\s*(?:y\s*=\s*)?(?P<y>{NUMBER_PATTERN})\s*[,)]"
)


def read_boxes_and_calls(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read JSON, and the points of calls, which stay in the text."""
    builder, at = ParsedOutputBuilder(), 0
    for call in _CALL.finditer(raw):
        read_json_into(builder, raw[at : call.start()], frame, space, _DIALECT, offset=at)
        builder.add_text(call[0])
        numbers = parse_numbers((call["x"], call["y"]))
        if numbers:
            span = (call.start("x"), call.end("y"))
            point = builder.add_parsed_place(span, numbers, space.to_point(numbers, frame))
            builder.add_mention([point])
        at = call.end()
    read_json_into(builder, raw[at:], frame, space, _DIALECT, offset=at)
    return builder.build()


TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}"
    "<|im_system|>system<|im_middle|>You are a helpful assistant<|im_end|>{% endif %}"
    "{% for message in messages %}<|im_{{ message['role'] }}|>{{ message['role'] }}<|im_middle|>"
    "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
    "'<|media_start|>image<|media_content|><|media_pad|><|media_end|>' }}{% endfor %}<|im_end|>"
    "{% endfor %}<|im_assistant|>assistant<|im_middle|>"
)

FAMILY = Family(
    name="kimi_vl",
    title="Kimi-VL",
    model_types={"kimi_vl": ONE_AT_A_TIME},
    checkpoints=("moonshotai/Kimi-VL-A3B-Instruct", "moonshotai/Kimi-VL-A3B-Thinking-2506"),
    instructions={**PLAIN_ENGLISH, Task.GROUNDING: FIND + _JSON, Task.DETECT: _EVERY},
    target_lists={Task.GROUNDING: TargetList(_EVERY), Task.DETECT: TargetList(_EVERY)},
    notes={Task.GROUNDING: NOTE, Task.DETECT: NOTE},
    markup=Markup(
        read_boxes_and_calls,
        fraction_writer("bbox_2d", 3),
        UNIT,
        reads_json=True,
        answer_writer=json_answer_writer("bbox_2d", decimals=3),
    ),
    documented_template=TEMPLATE,
    end_markers=("<|im_end|>", "[EOS]"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=2048, temperature=0.2),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<|im_system|>", "<|im_user|>", "<|im_assistant|>", "<|im_middle|>", "<|im_end|>"),
        *("<|media_start|>", "<|media_begin|>", "<|media_content|>", "<|media_pad|>"),
        *("<|media_end|>", "[BOS]", "[EOS]", "[PAD]", "◁think▷", "◁/think▷", "<think>"),
        "</think>",
    ),
)

RELATIVES = (
    replace(
        FAMILY,
        name="kimi_k25",
        title="Kimi-K2.6",
        model_types={"kimi_k25": ONE_AT_A_TIME},
        checkpoints=("moonshotai/Kimi-K2.6",),
        instructions=PLAIN_ENGLISH,
        notes={},
        markup=None,
        documented_template=None,
        sampling=Sampling(max_new_tokens=4096, temperature=0.6, top_p=0.95),
    ),
)
