"""InternLM-XComposer: chat models for English and Chinese, without a settled markup for regions.

Prompts: `chat` and `interleav_wrap_chat` of modeling_internlm_xcomposer2.py in the checkpoints of
https://huggingface.co/internlm, and the README of
https://github.com/InternLM/InternLM-XComposer (2.5) for several images. The first version has its
own, `<|User|>:...<eoh>`, as its evaluation code writes it. The second version (VL, 4KHD) takes one
image, 2.5 several.

Regions are never asked for: the maintainers say that there is no markup for them (issue #167). Some
checkpoints answer "The bounding box is [475, 12, 578, 28]" all the same (#329). Such brackets are
read as thousandths of the image (#319). A person can choose pixels instead, which the maintainers
name for 4KHD (#261); #489 reports poor results either way.

Runs on the code of its repositories on the Hub (remote code), not in transformers.
"""

from dataclasses import replace

from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Sampling, Task

SYSTEM = (
    "You are an AI assistant whose name is InternLM-XComposer (浦语·灵笔).\n"
    "- InternLM-XComposer (浦语·灵笔) is a multi-modality conversational language model that is "
    "developed by Shanghai AI Laboratory (上海人工智能实验室). It is designed to be helpful, "
    "honest, and harmless.\n"
    "- InternLM-XComposer (浦语·灵笔) can understand and communicate fluently in the language "
    "chosen by the user such as English and 中文.\n"
    "- InternLM-XComposer (浦语·灵笔) is capable of comprehending and articulating responses "
    "effectively based on the provided image."
)

TEMPLATE = (
    "{% for message in messages %}{% set pictures = message['content'] | length - 1 %}"
    "{{ '[UNUSED_TOKEN_146]' ~ message['role'] ~ '\n' }}"
    "{% if pictures == 1 %}<ImageHere>{% endif %}"
    "{% for _ in range(pictures if pictures > 1 else 0) %}"
    "Image{{ loop.index }} <ImageHere>; {% endfor %}"
    "{{ message['content'][-1]['text'] ~ '[UNUSED_TOKEN_145]\n' }}{% endfor %}"
    "{{ '[UNUSED_TOKEN_146]assistant\n' }}"
)

FIRST_TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'user' %}<|User|>:"
    "{% for part in message['content'] if part['type'] == 'image' %}<ImageHere> {% endfor %}"
    "{{ text ~ '<eoh>\n<|Bot|>:' }}"
    "{% else %}{{ text ~ '<eoa>\n' }}{% endif %}{% endfor %}"
)

FAMILY = Family(
    name="internlm_xcomposer",
    title="InternLM-XComposer",
    model_types={},
    checkpoints=(
        "internlm/internlm-xcomposer2d5-7b",
        "internlm/internlm-xcomposer2-4khd-7b",
        "internlm/internlm-xcomposer2-vl-7b",
        "internlm/internlm-xcomposer2-vl-1_8b",
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Please describe this image in detail.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    markup=Brackets().markup(N1000),
    system=SYSTEM,
    documented_template=TEMPLATE,
    end_markers=("[UNUSED_TOKEN_145]", "<|im_end|>", "<eoa>", "</s>"),
    prefix_separator="",
    sampling=Sampling(repetition_penalty=1.005),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<ImageHere>", "<image>", "[UNUSED_TOKEN_145]", "[UNUSED_TOKEN_146]"),
        *("<|im_start|>", "<|im_end|>", "<s>", "</s>", "<unk>"),
    ),
)

RELATIVES = (
    replace(
        FAMILY,
        name="internlm_xcomposer1",
        title="InternLM-XComposer 1",
        checkpoints=("internlm/internlm-xcomposer-vl-7b", "internlm/internlm-xcomposer-7b"),
        instructions={
            **FAMILY.instructions,
            Task.VQA: "{text} Answer this question briefly",
        },
        system="",
        documented_template=FIRST_TEMPLATE,
        end_markers=("<eoa>", "</s>"),
        sampling=Sampling(),
        limits=FamilyLimits(),
        control_tokens=(
            *("<ImageHere>", "<image>", "<|User|>", "<|Bot|>", "<eoh>", "<eoa>"),
            *("<s>", "</s>", "<unk>"),
        ),
    ),
)
