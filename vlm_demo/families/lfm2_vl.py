"""LFM2-VL, LFM2.5-VL and LFM3-VL: small chat models; from 2.5 on they find things.

    [{"label": "ship", "bbox": [0.37, 0.00, 0.80, 0.99]}]

in fractions of the image. Wording and format: examples/satellite-vlm/README.md and
prepare_vrsbench.py of https://github.com/Liquid4All/cookbook (read at 375dcfc), "matching the LFM
VLM's pretraining format". That is for LFM2.5-VL; the cards of LFM2-VL claim no boxes. Unverified
for LFM3-VL. Other wordings are ours.

Template: ChatML after `<|startoftext|>` (card of LiquidAI/LFM2-VL-1.6B on https://huggingface.co;
that of LFM3-VL has tokens around the picture and was not read). Sampling: the same card.
"""

from dataclasses import replace

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import UNIT
from vlm_demo.markup.fraction_json import fraction_writer
from vlm_demo.markup.json_markup import json_reader
from vlm_demo.markup.written_answers import json_answer_writer
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.image_resolutions import ImageResolution
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Sampling, Task

DETECT_PROMPT = (
    "Inspect the image and detect the {text}. Provide result as a valid JSON: "
    '[{"label": str, "bbox": [x1,y1,x2,y2]}, ...]. Coordinates must be normalized to 0-1.'
)

TEMPLATE = (
    "<|startoftext|>{% for message in messages %}<|im_start|>{{ message['role'] + '\n' }}"
    "{% for part in message['content'] %}"
    "{{ part['text'] if part['type'] == 'text' else '<image>' }}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n' }}"
)

FAMILY = Family(
    name="lfm2_vl",
    title="LFM2.5-VL",
    model_types={"lfm2_vl": ONE_AT_A_TIME, "lfm3_vl": ONE_AT_A_TIME},  # short convolutions
    checkpoints=("LiquidAI/LFM2.5-VL-450M", "LiquidAI/LFM2.5-VL-1.6B", "LiquidAI/LFM3-VL-2B"),
    instructions={
        **PLAIN_ENGLISH,
        Task.GROUNDING: DETECT_PROMPT,
        Task.DETECT: DETECT_PROMPT,
    },
    markup=Markup(
        json_reader(),
        fraction_writer("bbox", 2),
        UNIT,
        answer_writer=json_answer_writer("bbox", decimals=2, label_first=True),
    ),
    documented_template=TEMPLATE,
    end_markers=("<|im_end|>", "<|endoftext|>"),
    prefix_separator="",
    sampling=Sampling(temperature=0.1, repetition_penalty=1.05),
    resolutions=(
        ImageResolution(64, {"max_image_tokens": 64, "do_image_splitting": False}),
        ImageResolution(256, {"max_image_tokens": 256, "do_image_splitting": False}),
        ImageResolution(1_280, {"max_tiles": 4}),
        ImageResolution(2_816, {"max_tiles": 10}),
    ),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<|startoftext|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|pad|>"),
        *("<image>", "<|image_start|>", "<|image_end|>", "<|img_thumbnail|>", "<|image_pad|>"),
        *("<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<think>", "</think>"),
        *(f"<|img_row_{row}_col_{column}|>" for row in range(1, 11) for column in range(1, 11)),
    ),
)

RELATIVES = (
    replace(
        FAMILY,
        name="lfm2_vl_2_0",
        title="LFM2-VL",
        checkpoints=("LiquidAI/LFM2-VL-450M", "LiquidAI/LFM2-VL-1.6B", "LiquidAI/LFM2-VL-3B"),
        instructions=PLAIN_ENGLISH,
        markup=None,
    ),
)
