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

from vlm_demo.families.qwen.qwen3_vl import FAMILY as QWEN3_VL
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.values import Sampling

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] + '\n' }}"
    "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
    "'<|vision_start|><|image_pad|><|vision_end|>' }}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{{ '<|im_start|>assistant\n<think>\n' }}"
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
    instructions=QWEN3_VL.instructions,
    target_lists=QWEN3_VL.target_lists,
    markup=QWEN3_VL.markup,
    region_template=QWEN3_VL.region_template,
    multi_region_instruction=QWEN3_VL.multi_region_instruction,
    documented_template=TEMPLATE,
    has_thinking_switch=True,
    thinking_opens_reasoning=True,
    end_markers=("<|im_end|>", "<|endoftext|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096, temperature=0.7, top_p=0.8, top_k=20),
    resolutions=QWEN3_VL.resolutions,
    limits=FamilyLimits(max_images=4, longest_side=4_096),
    control_tokens=QWEN3_VL.control_tokens,
)
