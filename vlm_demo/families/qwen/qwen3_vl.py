"""Qwen3-VL: a chat model that writes regions as JSON, in thousandths of the image.

    ```json
    [{"bbox_2d": [x1, y1, x2, y2], "label": "cat"}, {"point_2d": [x, y], "label": "left eye"}]
    ```

Template: ChatML without a system sentence (chat_template.json of Qwen/Qwen3-VL-8B-Instruct on
https://huggingface.co); that of the Thinking checkpoints ends with `<think>`. Wording, format and
range (0 to 1000): cookbooks/2d_grounding.ipynb and spatial_understanding.ipynb of
https://github.com/QwenLM/Qwen3-VL. The wording for a description is that of lmms-eval's RefCOCO
tasks (pull request 1373), the one for a short answer VLMEvalKit's
(vlmeval/vlm/qwen3_vl/prompt.py). For one sentence and for a region no wording is published.
Sampling: the cards.
"""

from dataclasses import replace

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.markup.json_markup import json_point_writer, json_writer
from vlm_demo.markup.multi_format_reader import MultiFormatReader
from vlm_demo.markup.written_answers import json_answer_writer
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.image_resolutions import patch_resolutions
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Sampling, Task

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] + '\n' }}"
    "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
    "'<|vision_start|><|image_pad|><|vision_end|>' }}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)

CATEGORIES = (
    "Locate every instance that belongs to the following categories: '{text}'. Report bbox "
    "coordinates in JSON format."
)

SIZES = ("2B", "4B", "8B", "32B", "30B-A3B", "235B-A22B")

FAMILY = Family(
    name="qwen3_vl",
    title="Qwen3-VL",
    model_types={
        "qwen3_vl": Architecture(
            position_ids="mrope", cuda_graphs=True, packs_images=True, film_input="timed"
        ),
        "qwen3_vl_moe": Architecture(position_ids="mrope", packs_images=True, film_input="timed"),
    },
    checkpoints=tuple(f"Qwen/Qwen3-VL-{size}-Instruct" for size in SIZES),
    instructions={
        **PLAIN_ENGLISH,
        Task.DETAILED_CAPTION: "Describe this image.",
        Task.VQA: "{text}\nPlease try to answer the question with short words or phrases if "
        "possible.",
        Task.GROUNDING: 'Locate every object that matches the description "{text}" in the image. '
        "Report bbox coordinates in JSON format.",
        Task.DETECT: CATEGORIES,
        Task.DESCRIBE_REGION: "Describe in a few words what is in this region of the image: "
        "{region}",
    },
    target_lists={
        Task.GROUNDING: TargetList(CATEGORIES),
        Task.DETECT: TargetList(CATEGORIES),
    },
    markup=Markup(
        MultiFormatReader(),
        json_writer("bbox_2d"),
        N1000,
        json_point_writer("point_2d"),
        answer_writer=json_answer_writer("bbox_2d", is_fenced=True),
    ),
    region_template="{region}",
    multi_region_instruction="Describe in a few words what is in each of these regions of the "
    "image: {region}",
    documented_template=TEMPLATE,
    end_markers=("<|im_end|>", "<|endoftext|>"),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=1024, temperature=0.7, top_p=0.8, top_k=20),
    # Patches of 16 pixels, four of which are merged, and the least area of the checkpoints.
    resolutions=patch_resolutions(256, 576, 1_280, 2_560, 5_120, patch=32, min_pixels=256 * 256),
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

RELATIVES = (
    replace(
        FAMILY,
        name="qwen3_vl_thinking",
        title="Qwen3-VL Thinking",
        checkpoints=tuple(f"Qwen/Qwen3-VL-{size}-Thinking" for size in SIZES),
        documented_template=f"{TEMPLATE}{{{{ '<think>\n' }}}}",
        starts_in_reasoning=True,
        prefix_separator=None,
        sampling=Sampling(max_new_tokens=4096, temperature=1.0, top_p=0.95, top_k=20),
    ),
)
