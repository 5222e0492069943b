"""DeepSeek-VL2: mixture-of-experts chat models that find things and read text.

Prompts and markup: https://github.com/deepseek-ai/DeepSeek-VL2 (README.md, inference.py,
deepseek_vl2/models/conversation.py, parse_ref_bbox in deepseek_vl2/serve/app_modules/utils.py;
read at ef9f91e). The checkpoints run on that repository's own code. Markup:

    <|ref|>the giraffe at the back<|/ref|><|det|>[[x1, y1, x2, y2]]<|/det|>

with whole numbers from 0 to 999 over the image (divided by 999); a list may hold several boxes.
Upstream pairs the first `<|ref|>` with the first `<|det|>` and gives up where their numbers differ;
here each `<|det|>` belongs to the `<|ref|>` before it. Seen in issues #33, #94, #96 and #123: three
values, lists inside lists, digits without end, a `<|ref|>` alone.

Wording: the README's where it has one ("Find all the"); those for one sentence, details, short
answers and text are ours. A region is drawn in, since the README itself mentions a red rectangle;
the search by example is inference.py's, where it is drawn into a first image.
"""

from vlm_demo.markup.coordinate_spaces import N999
from vlm_demo.markup.reference_tags import REFERENCES, write_lists
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Task

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
    model_types={"deepseek_vl_v2": ONE_AT_A_TIME},
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
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
        Task.READ: "Read all the text in the image.",
    },
    example_instruction=(
        "<|grounding|>In the first image, an object within the red rectangle is marked. Locate the "
        "object of the same category in the second image."
    ),
    markup_signature=r"<\|(?:ref|det)\|>",
    target_lists={Task.DETECT: TargetList("Find all the {text}", item="<|ref|>{text}<|/ref|>")},
    markup=REFERENCES.make_markup(write_lists, N999),
    documented_template=DOCUMENTED_TEMPLATE,
    keep_special_tokens=True,
    markup_tokens=("<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>"),
    end_markers=(_END, "<|end▁of▁sentence|>"),
    limits=FamilyLimits(max_images=8),
    # Without the tags of the markup, which are in markup_tokens.
    control_tokens=(
        *("<|User|>", "<|Assistant|>", "<image>", "<|grounding|>"),
        *(_END, f"<{_BAR}begin▁of▁sentence{_BAR}>", f"<{_BAR}▁pad▁{_BAR}>"),
    ),
)
