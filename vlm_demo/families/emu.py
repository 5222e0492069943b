"""Emu, Emu2 and Emu3-Chat: models that read and make images; here they only read them.

Prompts, from https://github.com/baaivision/Emu: inference.py for Emu (a system text for one image,
none for several; no conversation), `ConvMeta.format_chat` of Emu2/demo/frontend/libs/meta.py for
Emu2-Chat, whose "[<IMG_PLH>]" becomes the image. Emu2 itself continues images and words
(Emu2/README.md), and only a description has a wording there. Emu3-Chat: chat_template.json of
https://huggingface.co/BAAI/Emu3-Chat-hf and the system text of the example in
transformers/models/emu3/modeling_emu3.py (5.23). In Emu an image is "[IMG]", 32 times "<image>" and
"[/IMG]"; one "<image>" is written here.

Emu begins a caption with "The image depicts a photo of". "Describe the image in details:" is from
the Emu2 README; where no wording is published, ours is in plain words.

Tags like those of KOSMOS-2 are declared in Emu2/emu/constants.py, but what they hold when a model
locates something is not documented, so no regions are read.

Only Emu3 runs in transformers; Emu runs on its own code, Emu2 on code from the Hub.
"""

from dataclasses import replace

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Frame, Request, Task


class Emu(Family):
    """Begins every caption, and shows the beginning with it."""

    def answer_prefix(self, request: Request, frame: Frame | None) -> str:
        given = super().answer_prefix(request, frame)
        if request.task is Task.CAPTION and not given:
            return " The image depicts a photo of"
        return given


EMU_TEMPLATE = (
    "{% set parts = messages[-1]['content'] %}"
    "{% if parts | length == 2 %}{{ messages[0]['content'][-1]['text'] + ' ' }}{% endif %}[USER]: "
    "{% for part in parts if part['type'] == 'image' %}[IMG]<image>[/IMG]{% endfor %}"
    "{{ parts[-1]['text'] }} [ASSISTANT]:"
)

EMU2_DESCRIPTION = "Describe the image in details:"

EMU2_CHAT_TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'system' %}{{ text + ' ' }}"
    "{% elif message['role'] == 'assistant' %} {{ text }}</s>"
    "{% else %}[USER]: "
    "{% for part in message['content'] if part['type'] == 'image' %}[<IMG_PLH>]{% endfor %}"
    "{{ text }} [ASSISTANT]:{% endif %}"
    "{% endfor %}"
)

EMU3_TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] != 'system' %}{{ message['role'] | upper }}: {% endif %}"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>{% endfor %}"
    "{{ text + ' ' }}"
    "{% endfor %}ASSISTANT:"
)

FAMILY = Emu(
    name="emu",
    title="Emu",
    model_types={},
    checkpoints=("BAAI/Emu",),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Please provide an accurate and concise description of the given image.",
        Task.VQA: "{text}",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    system="You will be presented with an image: [IMG]ImageContent[/IMG]. You will be able to see "
    "the image after I provide it to you. Please answer my questions based on the given image.",
    documented_template=EMU_TEMPLATE,
    end_markers=("</s>",),
    limits=FamilyLimits(max_images=4, history="none", chats_without_image=False),
    control_tokens=(
        *("<s>", "</s>", "<unk>", "[PAD]", "[USER]", "[ASSISTANT]"),
        *("<image>", "[IMG]", "[/IMG]", "[gIMG]", "[/gIMG]", "[EOC]", "[VIDEO]"),
    ),
)

EMU2_CHAT = Family(
    name="emu2_chat",
    title="Emu2-Chat",
    model_types={},
    checkpoints=("BAAI/Emu2-Chat",),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe the image in one sentence.",
        Task.DETAILED_CAPTION: EMU2_DESCRIPTION,
        Task.VQA: "{text}",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    system="You are a helpful assistant, dedicated to delivering comprehensive and meticulous "
    "responses.",
    documented_template=EMU2_CHAT_TEMPLATE,
    end_markers=("</s>",),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *FAMILY.control_tokens,
        *("[<IMG_PLH>]", "[<VID_PLH>]", "<grounding>", "<REC>", "<phrase>", "</phrase>"),
        *("<object>", "</object>", "</delimiter_of_multi_objects/>"),
    ),
)

RELATIVES = (
    EMU2_CHAT,
    replace(
        EMU2_CHAT,
        name="emu2",
        title="Emu2",
        checkpoints=("BAAI/Emu2",),
        instructions={Task.DETAILED_CAPTION: EMU2_DESCRIPTION},
        system="",
        documented_template=f"[<IMG_PLH>]{BARE_TEXT}",
        limits=FamilyLimits(history="none", chats_without_image=False),
    ),
    Family(
        name="emu3_chat",
        title="Emu3-Chat",
        model_types={"emu3": ONE_AT_A_TIME},
        checkpoints=("BAAI/Emu3-Chat-hf", "Emu3-community/Emu3-Chat-hf"),
        instructions={
            Task.CHAT: "{text}",
            Task.CAPTION: "Please describe the image in one sentence.",
            Task.DETAILED_CAPTION: "Please describe the image.",
            Task.VQA: "{text}",
            Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
        },
        system="You are a helpful assistant.",
        documented_template=EMU3_TEMPLATE,
        end_markers=("<|extra_204|>",),
        control_tokens=(
            *("<image>", "<|image start|>", "<|image token|>", "<|image end|>"),
            *("<|extra_203|>", "<|extra_204|>", "<|endoftext|>"),
        ),
    ),
)
