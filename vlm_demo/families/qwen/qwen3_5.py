"""Qwen3.5 and Qwen4-Exp: chat models that reason, and write regions as Qwen3-VL does.

    [{"bbox_2d": [x1, y1, x2, y2], "label": "cat"}, {"point_2d": [x, y], "label": "left eye"}]

in thousandths of the image: a maintainer in issue 4 of
https://github.com/QwenLM/Qwen3.8-Flash-Next (2026-08-27) says so "in most cases", and that numbers
above 1000 occur. No cookbook for these models could be read, so the wordings are those of
Qwen3-VL (see qwen3_vl.py), whose processor they have.

Template: ChatML without a system sentence (swift/template/templates/qwen.py of
https://github.com/modelscope/ms-swift, August 2026). It ends with `<think>`, or with an empty
reasoning where thinking is switched off, so an answer may hold `</think>` without its beginning.
Sampling: as Qwen3-VL's; unverified.
"""

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.markup.json_markup import json_point_writer, json_writer
from vlm_demo.markup.mixed_markup import MixedReader
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Sampling, Task

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] + '\n' }}"
    "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
    "'<|vision_start|><|image_pad|><|vision_end|>' }}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{{ '<|im_start|>assistant\n<think>\n' }}"
)

_CATEGORIES = (
    "Locate every instance that belongs to the following categories: '{text}'. Report bbox "
    "coordinates in JSON format."
)

FAMILY = Family(
    name="qwen3_5",
    title="Qwen3.5",
    model_types={
        "qwen3_5": ONE_AT_A_TIME,  # linear attention: no prefix can be shared
        "qwen3_5_moe": ONE_AT_A_TIME,
        "qwen4_exp": ONE_AT_A_TIME,
    },
    checkpoints=(
        "Qwen/Qwen3.5-9B",
        "Qwen/Qwen3.5-27B",
        "Qwen/Qwen3.5-35B-A3B",
        "Qwen/Qwen4-Exp",
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image.",
        Task.VQA: "{text}\nPlease try to answer the question with short words or phrases if "
        "possible.",
        Task.GROUNDING: 'Locate every object that matches the description "{text}" in the image. '
        "Report bbox coordinates in JSON format.",
        Task.DETECT: _CATEGORIES,
        Task.DESCRIBE_REGION: "Describe in a few words what is in this region of the image: "
        "{region}",
        Task.READ: "Read all the text in the image.",
    },
    target_lists={Task.GROUNDING: TargetList(_CATEGORIES), Task.DETECT: TargetList(_CATEGORIES)},
    markup=Markup(MixedReader(), json_writer("bbox_2d"), N1000, json_point_writer("point_2d")),
    region_template="{region}",
    multi_region_instruction="Describe in a few words what is in each of these regions of the "
    "image: {region}",
    documented_template=TEMPLATE,
    has_thinking_switch=True,
    end_markers=("<|im_end|>", "<|endoftext|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096, temperature=0.7, top_p=0.8, top_k=20),
    limits=FamilyLimits(max_images=4, longest_side=4_096),
    control_tokens=(
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|vision_end|>"),
        *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>", "<|object_ref_start|>"),
        *("<|object_ref_end|>", "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>"),
        *("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>"),
        *("</think>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>"),
        *("<|repo_name|>", "<|file_sep|>"),
    ),
)
