"""Qwen2.5-VL: a chat model that writes regions as JSON, in pixels of the image as it sees it.

    ```json
    [{"bbox_2d": [x1, y1, x2, y2], "label": "cat"}, {"point_2d": [x, y], "label": "left eye"}]
    ```

Template: ChatML with a system sentence (chat_template.json of Qwen/Qwen2.5-VL-7B-Instruct on
https://huggingface.co). Wording and format: cookbooks/spatial_understanding.ipynb and ocr.ipynb of
https://github.com/QwenLM/Qwen3-VL; issue #1397 there settles that the order is x1, y1, x2, y2,
and #1035 that numbers may lie outside the image. The short answer is asked for as in VLMEvalKit
(vlmeval/vlm/qwen2_vl/prompt.py). For one sentence and for a region no wording is published.

The numbers count pixels of the image after `smart_resize`, so the image is resized here and the
processor leaves it as it is. Limits: 56 x 56 pixels, and the smaller of the two upper limits in
use, 1280 patches of 28 x 28 (default of transformers/models/qwen2_vl/image_processing_qwen2_vl.py
and the cards' advice; the checkpoints' own file allows 16384), so that no server resizes it again.
"""

from PIL.Image import Image, Resampling

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import SEEN_PIXELS
from vlm_demo.markup.json_markup import json_point_writer, json_writer
from vlm_demo.markup.multi_format_reader import MultiFormatReader
from vlm_demo.markup.written_answers import json_answer_writer
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.image_resolutions import patch_resolutions
from vlm_demo.prompting.images.patch_sizes import fit_patches
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Sampling, Size, Task

PATCH = 28
"""Side of a patch in pixels."""

MIN_PIXELS = 56 * 56
"""Smallest area of a resized image in pixels."""

MAX_PIXELS = 1280 * PATCH * PATCH
"""Largest area of a resized image in pixels."""


def smart_size(size: Size) -> Size:
    """Return the size (width, height) at which the model sees an image: sides in whole patches."""
    return fit_patches(size, patch=PATCH, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS)


def resize(image: Image) -> Image:
    """Resize the image to the size at which its pixels are counted."""
    return image.convert("RGB").resize(smart_size(image.size), Resampling.BICUBIC)


EVERY = "Locate every {text} in the image and output the bbox coordinates in JSON format."

TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] + '\n' }}"
    "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
    "'<|vision_start|><|image_pad|><|vision_end|>' }}{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)

FAMILY = Family(
    name="qwen2_5_vl",
    title="Qwen2.5-VL",
    model_types={
        "qwen2_5_vl": Architecture(
            position_ids="mrope", cuda_graphs=True, packs_images=True, film_input="untimed"
        ),
    },
    checkpoints=(
        "Qwen/Qwen2.5-VL-3B-Instruct",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "Qwen/Qwen2.5-VL-32B-Instruct",
        "Qwen/Qwen2.5-VL-72B-Instruct",
    ),
    instructions={
        **PLAIN_ENGLISH,
        Task.DETAILED_CAPTION: "Describe this image.",
        Task.VQA: "{text}\nPlease try to answer the question with short words or phrases if "
        "possible.",
        Task.GROUNDING: "Locate {text}, output its bbox coordinates using JSON format.",
        Task.DETECT: EVERY,
        Task.DESCRIBE_REGION: "Describe in a few words what is in this region of the image: "
        "{region}",
    },
    target_lists={Task.GROUNDING: TargetList(EVERY), Task.DETECT: TargetList(EVERY)},
    markup=Markup(
        MultiFormatReader(),
        json_writer("bbox_2d"),
        SEEN_PIXELS,
        json_point_writer("point_2d"),
        answer_writer=json_answer_writer("bbox_2d", is_fenced=True),
    ),
    region_template="{region}",
    multi_region_instruction="Describe in a few words what is in each of these regions of the "
    "image: {region}",
    prepare_image=resize,
    seen_size=smart_size,
    documented_template=TEMPLATE,
    end_markers=("<|im_end|>", "<|endoftext|>"),
    prefix_separator="",
    sampling=Sampling(repetition_penalty=1.05),  # generation_config.json of the checkpoints
    resolutions=patch_resolutions(
        *(256, 576, 1_280, 2_560, 5_120), patch=PATCH, min_pixels=MIN_PIXELS
    ),
    limits=FamilyLimits(max_images=4, longest_side=4_096),
    control_tokens=(
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|vision_end|>"),
        *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>", "<|object_ref_start|>"),
        *("<|object_ref_end|>", "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>"),
        *("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),
        *("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"),
    ),
)
