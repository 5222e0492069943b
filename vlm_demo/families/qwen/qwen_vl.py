"""Qwen-VL and Qwen-VL-Chat: models for Chinese and English that write boxes and quadrilaterals.

Prompts and markup: https://github.com/QwenLM/Qwen-VL (README.md, TUTORIAL.md, web_demo_mm.py,
eval_mm; read at aa00ed0), tokenization_qwen.py of the checkpoints, and for the base model the
formats of its training in appendix B of https://arxiv.org/abs/2308.12966. Markup:

    <ref>a dog</ref><box>(x1,y1),(x2,y2)</box>

with whole numbers from 0 to 999; several boxes of a phrase follow each other; a box may stand
alone; text has `<quad>(x,y),(x,y),(x,y),(x,y)</quad>` around it.

Contested: numbers are divided by 1000 where upstream draws boxes and by 999 where it evaluates
(eval_mm/evaluate_grounding.py). We take 1000. Upstream gives a phrase only to the first of its
boxes; here all have it, as the README writes the format.

The images' names stand in the prompt: `{path}` stands for one. The checkpoints come with code of
their own, written for transformers 4.31, and have no template file.

A question holds a region as answers do, `<ref>` and `<box>` (README); "this" is ours.

Wording: the model's own where the README or appendix B has one ("框出图中…的位置": frame the place
of ... in the picture). Those of the chat model for a short answer, a detailed caption and a region
are ours.
"""

from collections.abc import Sequence
from dataclasses import replace

from vlm_demo.markup.coordinate_spaces import N1000, CoordinateSpace
from vlm_demo.markup.tags import UNTAGGED_ADJACENT_PAIRS, PlaceTag, Tags, find_pairs
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Frame, Region, Request, Task, bounding_box

TAGS = Tags(
    phrase_tags=("<ref>", "</ref>"),
    place_tags={"<box>": PlaceTag("</box>", 4), "<quad>": PlaceTag("</quad>", 8)},
    find_places=find_pairs,
    untagged=UNTAGGED_ADJACENT_PAIRS,
)


def write_boxes(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes."""
    return "".join(_box(space.to_numbers(bounding_box(region), frame)) for region in regions)


def _box(numbers: Sequence[float]) -> str:
    x1, y1, x2, y2 = (min(round(number), 999) for number in numbers)
    return f"<box>({x1},{y1}),({x2},{y2})</box>"


CHATML = (
    "{% set pictures = namespace(seen=0) %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}"
    "{% set pictures.seen = pictures.seen + 1 %}"
    "{{ 'Picture ' ~ pictures.seen ~ ': <img>{path}</img>\n' }}"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}"
    "{{ '<|im_end|>\n' }}"
    "{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)

IMAGE_AND_TEXT = (
    "{% for part in messages[-1]['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<img>{path}</img>' }}{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}"
)

MARKUP = TAGS.make_markup(write_boxes, N1000)

FAMILY = Family(
    name="qwen_vl",
    title="Qwen-VL-Chat",
    model_types={"qwen": ONE_AT_A_TIME},
    checkpoints=("Qwen/Qwen-VL-Chat", "Qwen/Qwen-VL-Chat-Int4"),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe the image in English:",
        Task.DETAILED_CAPTION: "Describe the image in detail.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.GROUNDING: "框出图中{text}的位置",
        Task.DETECT: "请给我框出图中{text}",
        Task.DESCRIBE_REGION: "Describe <ref>this</ref>{region} in a few words.",
    },
    markup_signature=r"<box>\s*\(",
    # The README asks for two landmarks in this way.
    target_lists={Task.DETECT: TargetList("请给我框出图中{text}", separator="和")},
    markup=MARKUP,
    region_template="<ref>this</ref>{region}",
    system="You are a helpful assistant.",
    documented_template=CHATML,
    keep_special_tokens=True,
    prefix_separator="",
    markup_tokens=("<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>"),
    end_markers=("<|im_end|>", "<|endoftext|>"),
    limits=FamilyLimits(max_images=4),
    # Without the tags of the markup, which are in markup_tokens.
    control_tokens=("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<img>", "</img>", "<imgpad>"),
)


class QwenVlBase(Family):
    """Continues its prompt, which begins the box that is asked for."""

    def answer_prefix(self, request: Request, frame: Frame | None) -> str:
        if request.task is Task.GROUNDING:
            return "<box>"
        return super().answer_prefix(request, frame)


RELATIVES = (
    QwenVlBase(
        name="qwen_vl_base",
        title="Qwen-VL",
        model_types={},
        checkpoints=("Qwen/Qwen-VL",),
        instructions={
            Task.CHAT: "{text} Answer:",
            Task.CAPTION: "Describe the image in English:",
            Task.GROUNDED_CAPTION: "Generate the caption in English with grounding:",
            Task.VQA: "{text} Answer:",
            Task.GROUNDING: "<ref>{text}</ref>",
            Task.DESCRIBE_REGION: "<ref>This</ref>{region} is",
            Task.READ: "OCR with grounding:",
        },
        markup=replace(MARKUP, repeats_target=False),  # the prompt names it
        region_template=FAMILY.region_template,
        documented_template=IMAGE_AND_TEXT,
        keep_special_tokens=True,
        markup_tokens=FAMILY.markup_tokens,
        end_markers=("<|endoftext|>",),
        limits=FamilyLimits(history="none", chats_without_image=False),
        control_tokens=FAMILY.control_tokens,
    ),
)
