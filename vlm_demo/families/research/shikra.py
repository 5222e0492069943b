"""Shikra: reads and writes regions as plain numbers after the words that name them.

Prompts: `vicuna_v1.1` of https://github.com/lm-sys/FastChat (fastchat/conversation.py, 0.2.36);
note "a curious user", not "human". Wording: https://github.com/shikras/shikra (read at ff79a4c),
config/_base_/dataset, and the appendix of https://arxiv.org/abs/2306.15195. Its first question
holds `<image>` somewhere, or gets it at the beginning; later ones lose it
(mllm/dataset/single_image_interactive.py). The project's own code puts 256 patch tokens there.

Markup (mllm/dataset/process_function/box_process_function.py), three decimals and no blanks:

    two people[0.100,0.200,0.200,0.400;0.300,0.200,0.400,0.400] and a ball at[0.500,0.250]

Fractions are of the image padded to a square; two numbers are a point. The other notation of
that file, `<b_st><bin_100> <bin_200> <bin_300> <bin_400><b_ed>` with `<b_sep>` between boxes and
`<p_st>`, `<p_sep>`, `<p_ed>` for points, counts thousandths of the same square; it is read, not
written.

Released as weight differences to LLaMA-7B. `vlm-demo convert` adds them and makes a folder that
runs here: pictures are padded with white (`Expand2square` in mllm/dataset/utils/transform.py), and
256 tokens `<im_patch>` between `<im_start>` and `<im_end>` stand for one.
"""

import re
from functools import partial

from vlm_demo.families.llava.llava15 import FAMILY as LLAVA15
from vlm_demo.markup.base import Markup, ParsedOutput
from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import SQUARE, CoordinateSpace
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.images.padding import pad_to_square
from vlm_demo.values import Frame, Task

BRACKETS = Brackets(
    decimals=3, number_separator=",", region_separator=";", reads_points=True, strips_tags=True
)

_TOKEN = re.compile(r"<(?:[bp]_(st|sep|ed)|bin_([0-9]+))>")
_SIGNS = {"st": "[", "sep": ";", "ed": "]"}

TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'assistant' %} {{ text }}</s>"
    "{% elif message['role'] == 'system' %}{{ text }} "
    "{% elif message['content'][0]['type'] == 'text' %}"
    "USER: {{ text | replace('<image>', '') }} ASSISTANT:"
    "{% else %}USER: {{ '<image> ' if '<image>' not in text }}{{ text }} ASSISTANT:"
    "{% endif %}{% endfor %}"
)

_IMAGE_AND_TEXT = "{{ '<image> ' if '<image>' not in text }}{{ text }}"

CHAT_TEMPLATE = TEMPLATE.replace(
    _IMAGE_AND_TEXT,
    "{{ (('' if '<image>' in text else '<image> ') ~ text)"
    " | replace('<image>', '<im_start><im_patch><im_end>') }}",
)
"""The same with one token for the picture, of which the processor makes 256."""

WHITE = (255, 255, 255)
"""Colour that pictures are padded with: red, green, blue (0 to 255)."""


def read_places(raw: str, frame: Frame, space: CoordinateSpace) -> ParsedOutput:
    """Read both notations; tokens are turned into brackets of fractions."""
    return BRACKETS.read(_TOKEN.sub(_to_brackets, raw), frame, space)


def _to_brackets(token: re.Match[str]) -> str:
    """Write a token as part of a bracket of fractions, in as many characters."""
    part, thousandths = token.groups()
    if part:
        return _SIGNS[part].ljust(len(token[0]))
    digits = thousandths.rjust(4, "0")
    return f"{digits[:-3]}.{digits[-3:]},".ljust(len(token[0]))


FAMILY = Family(
    name="shikra",
    title="Shikra",
    model_types=LLAVA15.model_types,
    checkpoints=("shikras/shikra-7b-delta-v1", "shikras/shikra-7b-delta-v1-0708"),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image <image> as simply as possible.",
        Task.GROUNDED_CAPTION: "Provide a comprehensive description of the image <image> and "
        "specify the positions of any mentioned objects in square brackets.",
        Task.VQA: "Answer this question directly after referring to the image <image>: {text}",
        Task.GROUNDING: "Can you point out {text} in the image <image> and provide the "
        "coordinates of its location?",
        Task.DESCRIBE_REGION: "For the given image <image>, can you provide a unique description "
        "of the area {region}?",
    },
    markup=Markup(
        read_places,
        BRACKETS.write,
        SQUARE,
        BRACKETS.write_point,
        phrase_pattern="{phrase}{places}",
    ),
    region_template="{region}",
    system="A chat between a curious user and an artificial intelligence assistant. The assistant "
    "gives helpful, detailed, and polite answers to the user's questions.",
    chat_template=CHAT_TEMPLATE,
    documented_template=TEMPLATE,
    prepare_image=partial(pad_to_square, color=WHITE),
    end_markers=("</s>",),
    control_tokens=(
        *("<image>", "<im_start>", "<im_patch>", "<im_end>", "<s>", "</s>", "<unk>"),
        *("<b_st>", "<b_sep>", "<b_ed>", "<p_st>", "<p_sep>", "<p_ed>"),
    ),
)
