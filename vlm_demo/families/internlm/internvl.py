"""InternVL 1.5 to 3.5: chat models for many languages that see large images in tiles.

Prompts: the conversations `internvl2_5`, `Hermes-2`, `internlm2-chat` and `phi3-chat` of
https://github.com/OpenGVLab/InternVL/blob/main/internvl_chat/internvl/conversation.py (read at
2410d1d). Checkpoints in transformers' own format end in "-hf"; their template has no system message
and does not number images, so ours is given: `<IMG_CONTEXT>` is what their processor makes of an
image, `<image>` what upstream writes. The others come with code of their own. Markup:

    <ref>a dog</ref><box>[[x1, y1, x2, y2]]</box>

with whole numbers from 0 to 1000 over the user's image, however it is tiled (issue #227,
streamlit_demo/app.py). The brackets alone are read as well, and four numbers whose sum is below 4
as fractions, as in internvl_chat/eval/refcoco/evaluate_grounding.py.

Wording: short answers, one sentence and regions as in internvl_chat/eval; "in detail" from the
cards; for text and for describing a region ours. The authors advise drawing a region into the image
(issue #227), so that is done.
"""

from collections.abc import Sequence
from dataclasses import replace

from vlm_demo.markup.coordinate_spaces import N1000, UNIT, CoordinateSpace
from vlm_demo.markup.tags import UNTAGGED_LISTS, PlaceTag, Tags, find_lists
from vlm_demo.prompting.architecture import ONE_AT_A_TIME, Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.image_resolutions import ImageResolution
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Frame, Region, Task, bounding_box


def choose_space(numbers: Sequence[float], frame: Frame, space: CoordinateSpace) -> CoordinateSpace:
    """Return the space of fractions for small numbers, unless a person chose a space.

    Source of the bound: evaluate_grounding.py.
    """
    are_fractions = min(numbers) >= 0 and sum(numbers) < 4
    return UNIT if are_fractions and not frame.space else space


TAGS = Tags(
    phrase_tags=("<ref>", "</ref>"),
    place_tags={"<box>": PlaceTag("</box>", 4)},
    find_places=find_lists,
    untagged=UNTAGGED_LISTS,
    space_for=choose_space,
)


def write_lists(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the regions of one phrase as boxes."""
    boxes = [list(map(round, space.to_numbers(bounding_box(region), frame))) for region in regions]
    return f"<box>{boxes}</box>"


def make_template(image: str, *, opening: str, closing: str, prompt: str) -> str:
    """Return a Jinja template.

    Several images of a conversation are numbered: `Image-1: <image>` (cards).

    Args:
        image: what stands for an image.
        opening: a Jinja expression for the beginning of a turn.
        closing: the end of a turn.
        prompt: what the answer follows.
    """
    return (
        "{% set pictures = namespace(all=0, seen=0) %}"
        "{% for message in messages %}{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}{% set pictures.all = pictures.all + 1 %}{% endif %}"
        "{% endfor %}{% endfor %}"
        "{% for message in messages %}"
        f"{{{{ {opening} }}}}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}"
        "{% set pictures.seen = pictures.seen + 1 %}"
        "{% if pictures.all > 1 %}{{ 'Image-' ~ pictures.seen ~ ': ' }}{% endif %}"
        f"{{{{ '{image}\\n' }}}}"
        "{% else %}{{ part['text'] }}{% endif %}"
        "{% endfor %}"
        f"{{{{ '{closing}' }}}}"
        "{% endfor %}"
        f"{{{{ '{prompt}' }}}}"
    )


_COMMA = "\N{FULLWIDTH COMMA}"
_SYSTEM = (
    f"你是书生·万象{_COMMA}英文名是InternVL{_COMMA}是由上海人工智能实验室、清华大学及多家合作单位"
    "联合开发的多模态大语言模型。"
)
_SYSTEM_2 = (
    f"你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型{_COMMA}英文名叫InternVL, "
    "是一个有用无害的人工智能助手。"
)

_CHATML = {
    "opening": "'<|im_start|>' + message['role'] + '\\n'",
    "prompt": "<|im_start|>assistant\\n",
}
_CHATML_WITHOUT_NEWLINES = make_template("<image>", closing="<|im_end|>", **_CHATML)
_NATIVE_TEMPLATE = make_template("<IMG_CONTEXT>", closing="<|im_end|>\\n", **_CHATML)
_PHI3 = make_template(
    "<image>",
    opening="'<|' + message['role'] + '|>\\n'",
    closing="<|end|>",
    prompt="<|assistant|>\\n",
)

TILE_TOKENS = 256
"""Visual tokens of a tile; where there are several, the whole image is one tile more."""

FAMILY = Family(
    name="internvl",
    title="InternVL",
    model_types={
        "internvl": Architecture(position_ids="plain", cuda_graphs=True, film_input="untimed"),
        "internvl_chat": ONE_AT_A_TIME,
    },
    checkpoints=(
        *(f"OpenGVLab/InternVL3-{size}-hf" for size in ("1B", "2B", "8B", "14B", "38B", "78B")),
        *(f"OpenGVLab/InternVL3-{size}" for size in ("1B", "2B", "8B", "9B", "14B", "38B", "78B")),
        *(f"OpenGVLab/InternVL2_5-{size}" for size in ("1B", "2B", "4B", "8B")),
        *(f"OpenGVLab/InternVL2_5-{size}" for size in ("26B", "38B", "78B")),
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Provide a one-sentence caption for the provided image.",
        Task.DETAILED_CAPTION: "Please describe the image in detail.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.GROUNDING: "Please provide the bounding box coordinate of the region this sentence "
        "describes: <ref>{text}</ref>",
        Task.DETECT: "Detect the <ref>{text}</ref> in the image with its bounding box.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
        Task.READ: "Please extract all the text in the image.",
    },
    markup_signature=r"<box>\s*\[",
    target_lists={
        Task.DETECT: TargetList(
            "Detect the {text} in the image with its bounding box.", item="<ref>{text}</ref>"
        ),
    },
    markup=TAGS.make_markup(write_lists, N1000),
    system=_SYSTEM,
    chat_template=_NATIVE_TEMPLATE,
    published_templates=(_NATIVE_TEMPLATE,),
    documented_template=make_template("<image>", closing="<|im_end|>\\n", **_CHATML),
    keep_special_tokens=True,
    prefix_separator="",
    markup_tokens=("<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>"),
    end_markers=("<|im_end|>", "<|endoftext|>", "</s>"),
    resolutions=tuple(
        ImageResolution(TILE_TOKENS * (tiles + (tiles > 1)), {"max_patches": tiles})
        for tiles in (1, 4, 12, 24)
    ),
    limits=FamilyLimits(max_images=8),
    # Without the tags of the markup, which are in markup_tokens.
    control_tokens=(
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "<image>", "<video>"),
        *("<img>", "</img>", "<IMG_CONTEXT>"),
    ),
)

RELATIVES = (
    replace(
        FAMILY,
        name="internvl_3_5",
        title="InternVL3.5",
        checkpoints=(
            *(f"OpenGVLab/InternVL3_5-{size}-HF" for size in ("1B", "2B", "4B", "8B", "14B")),
            *(f"OpenGVLab/InternVL3_5-{size}-HF" for size in ("38B", "30B-A3B")),
            *(f"OpenGVLab/InternVL3_5-{size}" for size in ("1B", "2B", "4B", "8B", "14B")),
            *(f"OpenGVLab/InternVL3_5-{size}" for size in ("38B", "30B-A3B")),
        ),
        system="",
    ),
    replace(
        FAMILY,
        name="internvl_2",
        title="InternVL 1.5 and 2",
        checkpoints=(
            "OpenGVLab/InternVL-Chat-V1-5",
            "OpenGVLab/Mini-InternVL-Chat-2B-V1-5",
            *(f"OpenGVLab/InternVL2-{size}" for size in ("1B", "2B", "8B", "26B", "40B")),
            "OpenGVLab/InternVL2-Llama3-76B",
        ),
        resolutions=(),
        system=_SYSTEM_2,
        chat_template=None,
        documented_template=_CHATML_WITHOUT_NEWLINES,
    ),
    replace(
        FAMILY,
        name="internvl_phi3",
        title="InternVL 1.5 and 2 on Phi-3",
        checkpoints=("OpenGVLab/Mini-InternVL-Chat-4B-V1-5", "OpenGVLab/InternVL2-4B"),
        resolutions=(),
        system=_SYSTEM_2,
        chat_template=None,
        documented_template=_PHI3,
        end_markers=("<|end|>", "<|endoftext|>", "</s>"),
        control_tokens=(
            *("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>", "<s>", "</s>"),
            *("<image>", "<video>", "<img>", "</img>", "<IMG_CONTEXT>"),
        ),
    ),
)
