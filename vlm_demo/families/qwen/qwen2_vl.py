"""Qwen2-VL: a chat model for many languages, images of any size and several at once.

Prompt: the checkpoints' own template (ChatML; cards of Qwen/Qwen2-VL-2B-Instruct, -7B-Instruct and
-72B-Instruct on https://huggingface.co). Markup:

    <|object_ref_start|>a dog<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>

with whole numbers from 0 to 1000 over the user's image, however it is resized
(https://github.com/QwenLM/Qwen3-VL, which holds all versions: issue #9 and process_bbox.ipynb;
https://arxiv.org/abs/2409.12191), and `<|quad_start|>...<|quad_end|>` with four corners. Where
special tokens are not decoded, only the numbers are left; they are read as well.

Wording: "Find" and "with grounding" bring out boxes (issue #342 there); short answers as
VLMEvalKit asks (vlmeval/vlm/qwen2_vl/prompt.py); "Read all the text in the image." is from the
repository's cookbook for text; "Describe this image." from the cards. The rest is ours.
"""

from collections.abc import Sequence

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000, CoordinateSpace
from vlm_demo.markup.multi_format_reader import MultiFormatReader
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.image_resolutions import patch_resolutions
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Frame, Region, Task, bounding_box


def write_boxes(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes."""
    return "".join(_box(space.to_numbers(bounding_box(region), frame)) for region in regions)


def _box(numbers: Sequence[float]) -> str:
    x1, y1, x2, y2 = map(round, numbers)
    return f"<|box_start|>({x1},{y1}),({x2},{y2})<|box_end|>"


DOCUMENTED_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}"
    "{{ '<|im_end|>\n' }}"
    "{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)

FAMILY = Family(
    name="qwen2_vl",
    title="Qwen2-VL",
    model_types={
        "qwen2_vl": Architecture(
            position_ids="mrope", cuda_graphs=True, packs_images=True, film_input="untimed"
        ),
    },
    checkpoints=(
        "Qwen/Qwen2-VL-2B-Instruct",
        "Qwen/Qwen2-VL-7B-Instruct",
        "Qwen/Qwen2-VL-72B-Instruct",
    ),
    instructions={
        **PLAIN_ENGLISH,
        Task.DETAILED_CAPTION: "Describe this image.",
        Task.GROUNDED_CAPTION: "Generate the caption in English with grounding:",
        Task.VQA: "{text}\nPlease try to answer the question with short words or phrases if "
        "possible.",
        Task.GROUNDING: "Find <|object_ref_start|>{text}<|object_ref_end|>",
        Task.DETECT: "Find all <|object_ref_start|>{text}<|object_ref_end|>",
        Task.DESCRIBE_REGION: "Describe <|object_ref_start|>this<|object_ref_end|>{region} in a "
        "few words.",
    },
    markup_signature=r"<\|(?:object_ref|box)_start\|>",
    target_lists={
        Task.DETECT: TargetList(
            "Find all {text}", item="<|object_ref_start|>{text}<|object_ref_end|>"
        ),
    },
    markup=Markup(
        MultiFormatReader(),
        write_boxes,
        N1000,
        phrase_pattern="<|object_ref_start|>{phrase}<|object_ref_end|>{places}",
        repeats_target=True,
    ),
    region_template="<|object_ref_start|>this<|object_ref_end|>{region}",
    multi_region_instruction="Describe <|object_ref_start|>these<|object_ref_end|>{region} in "
    "a few words each.",
    system="You are a helpful assistant.",
    documented_template=DOCUMENTED_TEMPLATE,
    keep_special_tokens=True,
    prefix_separator="",
    markup_tokens=tuple(
        f"<|{name}_{side}|>" for name in ("object_ref", "box", "quad") for side in ("start", "end")
    ),
    end_markers=("<|im_end|>", "<|endoftext|>"),
    resolutions=patch_resolutions(256, 576, 1_280, 2_560, 5_120, patch=28, min_pixels=56 * 56),
    limits=FamilyLimits(max_images=8, longest_side=4_096),
    # Without the tags of the markup, which are in markup_tokens.
    control_tokens=(
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|image_pad|>", "<|video_pad|>"),
        *("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"),
    ),
)
