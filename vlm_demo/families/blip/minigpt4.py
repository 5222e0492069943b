"""MiniGPT-4: a chat model on Vicuna or Llama-2, in English, without a markup for regions.

Prompts: minigpt4/conversation/conversation.py of https://github.com/Vision-CAIR/MiniGPT-4 (read at
d94738a), which also says which part of the output is the answer: the one before `###` and after the
last "Assistant:". It runs on that repository's own code, or here once `vlm-demo convert` has put
its parts together; a token `<image>` then stands for the 32 of the picture.

Wording: "Describe this image in detail." is from its second training (prompts/alignment.txt), the
rest is ours.
"""

from dataclasses import replace

from vlm_demo.families.blip.blip2 import FAMILY as BLIP2
from vlm_demo.markup.base import Span
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Prompt, Task

_LABEL = "Assistant:"


class MiniGpt4(Family):
    """Leaves out the conversation that an output may begin with."""

    def _answer_span(self, raw: str, prompt: Prompt) -> Span:
        start, end = super()._answer_span(raw, prompt)
        label = raw.rfind(_LABEL, start, end)
        return (label + len(_LABEL) if label >= 0 else start), end


_IMAGES_AND_TEXT = (
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<Img><ImageHere></Img> ' }}"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}"
)

DOCUMENTED_TEMPLATE = (
    "{% for message in messages %}"
    "{{ {'system': '', 'user': 'Human: ', 'assistant': 'Assistant: '}[message['role']] }}"
    + _IMAGES_AND_TEXT
    + "{{ '###' }}"
    "{% endfor %}"
    "{{ 'Assistant: ' }}"
)

LLAMA2_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<s>[INST] ' }}{% endif %}"
    + _IMAGES_AND_TEXT
    + "{% if message['role'] == 'user' %}{{ ' [/INST] ' }}{% endif %}"
    "{% endfor %}"
)


def name_image(template: str) -> str:
    """Return a template with the token that a converted checkpoint has for a picture."""
    return template.replace("<ImageHere>", "<image>")


FAMILY = MiniGpt4(
    name="minigpt4",
    title="MiniGPT-4",
    model_types=BLIP2.model_types,
    checkpoints=("Vision-CAIR/MiniGPT-4",),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text} Answer with a single word or phrase.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    system="Give the following image: <Img>ImageContent</Img>. You will be able to see the image "
    "once I provide it to you. Please answer my questions.",
    chat_template=name_image(DOCUMENTED_TEMPLATE),
    documented_template=DOCUMENTED_TEMPLATE,
    stop=("###",),
    end_markers=("###", "</s>"),
    prefix_separator="",
    limits=FamilyLimits(chats_without_image=False),
    control_tokens=("###", "<Img>", "</Img>", "<ImageHere>", "<image>", "<s>", "</s>", "<unk>"),
)

RELATIVES = (
    replace(
        FAMILY,
        name="minigpt4_llama2",
        title="MiniGPT-4 on Llama-2",
        checkpoints=(),
        chat_template=name_image(LLAMA2_TEMPLATE),
        documented_template=LLAMA2_TEMPLATE,
        control_tokens=(*FAMILY.control_tokens, "[INST]", "[/INST]"),
    ),
)
