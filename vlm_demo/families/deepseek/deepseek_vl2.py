"""DeepSeek-VL2: mixture-of-experts chat models that find things and read text.

Prompts and markup: https://github.com/deepseek-ai/DeepSeek-VL2 (README.md, inference.py,
deepseek_vl2/models/conversation.py, parse_ref_bbox in deepseek_vl2/serve/app_modules/utils.py;
read at ef9f91e). The checkpoints run with that repository's own code. Markup:

    <|ref|>the giraffe at the back<|/ref|><|det|>[[x1, y1, x2, y2]]<|/det|>

with whole numbers from 0 to 999 over the picture (divided by 999); a list may hold several boxes.
Upstream pairs the first `<|ref|>` with the first `<|det|>` and gives up where their numbers differ;
here each `<|det|>` belongs to the `<|ref|>` before it. Seen in issues #33, #94, #96 and #123: three
values, lists inside lists, digits without end, a `<|ref|>` alone.

Wording: as the README asks where it does ("Find all the"); one sentence, detail, short answers and
text are ours. A region is drawn in: the README itself speaks of a red rectangle.
"""

from collections.abc import Sequence

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N999, CoordinateSpace
from vlm_demo.markup.tags import PlaceTag, Tags, lists
from vlm_demo.prompting.family import Family, Limits
from vlm_demo.prompting.region_wording import MARKED_REGION
from vlm_demo.values import Frame, Region, Task, bounding_box

TAGS = Tags(
    phrase=("<|ref|>", "<|/ref|>"),
    places={"<|det|>": PlaceTag("<|/det|>", 4)},
    find=lists,
    parted_by_words=False,
)


def write_lists(regions: Sequence[Region], frame: Frame, space: CoordinateSpace) -> str:
    """Write the places of one phrase."""
    boxes = [list(map(round, space.numbers(bounding_box(region), frame))) for region in regions]
    return f"<|det|>{boxes}<|/det|>"


_BAR = "\N{FULLWIDTH VERTICAL LINE}"
_END = f"<{_BAR}end▁of▁sentence{_BAR}>"

DOCUMENTED_TEMPLATE = (
    "{% set pictures = namespace(all=0, seen=0) %}"
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{% set pictures.all = pictures.all + 1 %}{% endif %}"
    "{% endfor %}{% endfor %}"
    "{% for message in messages %}"
    "{{ '<|User|>: ' if message['role'] == 'user' else '<|Assistant|>: ' }}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}"
    "{% set pictures.seen = pictures.seen + 1 %}"
    "{% if pictures.all > 1 %}{{ 'This is image_' ~ pictures.seen ~ ': ' }}{% endif %}"
    "{{ '<image>\n' }}"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}"
    "{% if message['role'] == 'assistant' %}" + _END + "{% else %}{{ '\n\n' }}{% endif %}"
    "{% endfor %}"
    "<|Assistant|>:"
)

FAMILY = Family(
    name="deepseek_vl2",
    title="DeepSeek-VL2",
    model_types=("deepseek_vl_v2",),
    checkpoints=(
        "deepseek-ai/deepseek-vl2-tiny",
        "deepseek-ai/deepseek-vl2-small",
        "deepseek-ai/deepseek-vl2",
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.GROUNDED_CAPTION: "<|grounding|>Describe this image.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.GROUNDING: "<|ref|>{text}<|/ref|>.",
        Task.DETECT: "Find all the <|ref|>{text}<|/ref|>",
        Task.DESCRIBE_REGION: MARKED_REGION,
        Task.READ: "Read all the text in the image.",
    },
    markup=Markup(TAGS.read, write_lists, N999),
    documented_template=DOCUMENTED_TEMPLATE,
    keep_special_tokens=True,
    markup_tokens=("<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>"),
    end_markers=(_END, "<|end▁of▁sentence|>"),
    answer_label="<|Assistant|>:",
    limits=Limits(max_images=8),
    # Not the tags of the markup: earlier answers, which are sent back, are made of them.
    control_tokens=(
        *("<|User|>", "<|Assistant|>", "<image>", "<|grounding|>"),
        *(_END, f"<{_BAR}begin▁of▁sentence{_BAR}>", f"<{_BAR}▁pad▁{_BAR}>"),
    ),
)
