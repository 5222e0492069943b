"""Heron: Japanese chat on BLIP or GIT features; no regions.

Prompts, from https://github.com/turingmotors/heron: `base_instruction` of
heron/datasets/inference_instruction_template.py, "##human: ...", and on the next line "##gpt: ".
Later turns repeat the pair on new lines. The image is given beside the text, so nothing stands for
it. An answer ends where the model goes on with "##".

The first models (README at 00274f4) were asked with "##Instruction: ... ##Question: ...
##Answer: ", one question at a time; the spelling of that instruction is theirs.

For captions no wording is published, so they are asked for in plain words. Runs on its own code.
"""

from dataclasses import replace

from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_JAPANESE
from vlm_demo.prompting.regions.region_wording import (
    DESCRIBE_MARKED_REGION,
    ENGLISH,
    JAPANESE,
)
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Sampling, Task

TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'assistant' %}{{ text + '\n' }}"
    "{% else %}{{ '##human: ' + text + '\n##gpt: ' }}{% endif %}"
    "{% endfor %}"
)

FIRST_QUESTION = (
    "##Instruction: Please answer the following question concletely. ##Question: {text} ##Answer: "
)

FAMILY = Family(
    name="heron",
    title="Heron",
    model_types={},
    checkpoints=(
        "turing-motors/heron-chat-git-ja-stablelm-base-7b-v1",
        "turing-motors/heron-chat-blip-ja-stablelm-base-7b-v0",
        "turing-motors/heron-chat-blip-ja-stablelm-base-7b-v1",
        "turing-motors/heron-chat-blip-ja-stablelm-base-7b-v1-llava-620k",
    ),
    instructions=PLAIN_JAPANESE,
    region_wording=JAPANESE,
    documented_template=TEMPLATE,
    end_markers=("##", "<|endoftext|>", "</s>"),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=256),
    limits=FamilyLimits(chats_without_image=False),
    control_tokens=("##", "<|endoftext|>", "<s>", "</s>", "<pad>", "<unk>"),
)

RELATIVES = (
    replace(
        FAMILY,
        name="heron_instruction",
        title="Heron, first models",
        checkpoints=("Inoichan/GIT-Llama-2-7B",),
        instructions={
            Task.CHAT: FIRST_QUESTION,
            Task.VQA: FIRST_QUESTION,
            Task.DESCRIBE_REGION: FIRST_QUESTION.replace("{text}", DESCRIBE_MARKED_REGION),
        },
        region_wording=ENGLISH,
        documented_template=BARE_TEXT,
        limits=FamilyLimits(history="none", chats_without_image=False),
    ),
)
