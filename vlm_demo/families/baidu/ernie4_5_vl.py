"""ERNIE-4.5-VL: a mixture of experts that chats, and finds things in thousandths of the image.

    [{"bbox_2d": [x1, y1, x2, y2], "label": "cat"}]

A maintainer in issue 1364 of https://github.com/PaddlePaddle/ERNIE (2025-12-01) says that numbers
are as Qwen3-VL's, x / 1000 * width; the keys are those that the question asks for. The wordings are
ours.

Template: "User: " and "Assistant: " after `<|begin_of_sentence|>`, each picture numbered
(swift/template/templates/baidu.py of https://github.com/modelscope/ms-swift, August 2026); its
tokens are those of transformers/models/ernie4_5_vl_moe/processing_ernie4_5_vl_moe.py (5.23). With
thinking (`enable_thinking`: https://paddlepaddle.github.io/FastDeploy/features/reasoning_output) it
goes on with `<think>`.
"""

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.markup.json_markup import json_reader, json_writer
from vlm_demo.markup.written_answers import json_answer_writer
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import FIND, FIND_EVERY, PLAIN_ENGLISH
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Sampling, Task

_JSON = (
    'Answer only with a JSON list; each entry has the bounding box in "bbox_2d" as '
    '[x1, y1, x2, y2] and the name in "label".'
)
_EVERY = FIND_EVERY + _JSON

TEMPLATE = (
    "{% set pictures = namespace(seen=0) %}<|begin_of_sentence|>"
    "{% for message in messages %}{% if message['role'] == 'user' %}User: "
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% else %}{% set pictures.seen = pictures.seen + 1 %}"
    "{{ 'Picture ' ~ pictures.seen ~ ':<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>' }}"
    "{% endif %}{% endfor %}{{ '\nAssistant: ' }}"
    "{% else %}{{ message['content'][-1]['text'] ~ '<|end_of_sentence|>' }}{% endif %}{% endfor %}"
)

FAMILY = Family(
    name="ernie4_5_vl",
    title="ERNIE-4.5-VL",
    model_types={"ernie4_5_vl_moe": ONE_AT_A_TIME},
    checkpoints=("baidu/ERNIE-4.5-VL-28B-A3B-PT",),
    instructions={**PLAIN_ENGLISH, Task.GROUNDING: FIND + _JSON, Task.DETECT: _EVERY},
    target_lists={Task.GROUNDING: TargetList(_EVERY), Task.DETECT: TargetList(_EVERY)},
    markup=Markup(
        json_reader(),
        json_writer("bbox_2d"),
        N1000,
        answer_writer=json_answer_writer("bbox_2d"),
    ),
    documented_template=TEMPLATE,
    has_thinking_switch=True,
    thinking_opens_reasoning=True,
    end_markers=("</s>", "<|end_of_sentence|>"),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=2048),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<|begin_of_sentence|>", "<|end_of_sentence|>", "<s>", "</s>", "<unk>", "<mask:0>"),
        *("<|IMAGE_START|>", "<|IMAGE_PLACEHOLDER|>", "<|IMAGE_END|>", "<|VIDEO_START|>"),
        *("<|VIDEO_PLACEHOLDER|>", "<|VIDEO_END|>", "<|image@placeholder|>"),
        *("<|video@placeholder|>", "<think>", "</think>"),
    ),
)
