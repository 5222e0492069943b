"""InstructBLIP: BLIP-2 tuned on instructions, which its Q-Former reads too; no regions.

Prompts: the instruction is the whole prompt, each on its own (no conversation is documented). The
wording of captions is that of the cards of Salesforce/instructblip-vicuna-7b, -13b, -flan-t5-xl and
-xxl on https://huggingface.co and of LAVIS projects/instructblip; "Question: ... Short answer:" is
that of the VQA data in the paper (https://arxiv.org/abs/2305.06500).

Flan-T5 has an encoder and a decoder: it cannot be given the beginning of its answer.

Japanese InstructBLIP Alpha: `build_prompt` on the card of stabilityai/japanese-instructblip-alpha,
one fixed instruction with a question as its input. It runs on code from the Hub.
"""

from dataclasses import replace

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import (
    DESCRIBE_MARKED_REGION,
    DESCRIBE_MARKED_REGION_JAPANESE,
    JAPANESE,
)
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Task

JAPANESE_SYSTEM = (
    "以下は、タスクを説明する指示と、文脈のある入力の組み合わせです。"
    "要求を適切に満たす応答を書きなさい。"
)
JAPANESE_TEMPLATE = f"{JAPANESE_SYSTEM}\n\n### 指示: \n{BARE_TEXT}{{{{ '\n\n### 応答: ' }}}}"
JAPANESE_CAPTION = "与えられた画像について、詳細に述べてください。"
JAPANESE_QUESTION = JAPANESE_CAPTION + "\n\n### 入力: \n{text}"

FAMILY = Family(
    name="instructblip",
    title="InstructBLIP",
    model_types={"instructblip": ONE_AT_A_TIME},
    checkpoints=("Salesforce/instructblip-vicuna-7b", "Salesforce/instructblip-vicuna-13b"),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Write a short description for the image.",
        Task.DETAILED_CAPTION: "Write a detailed description.",
        Task.VQA: "Question: {text} Short answer:",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    chat_template=BARE_TEXT,
    end_markers=("</s>",),
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=("<image>", "<s>", "</s>", "<unk>", "<pad>"),
)

RELATIVES = (
    replace(
        FAMILY,
        name="instructblip_t5",
        title="InstructBLIP Flan-T5",
        checkpoints=("Salesforce/instructblip-flan-t5-xl", "Salesforce/instructblip-flan-t5-xxl"),
        prefix_separator=None,
        limits=FamilyLimits(history="none", context=512, chats_without_image=False),
    ),
    replace(
        FAMILY,
        name="japanese_instructblip_alpha",
        title="Japanese InstructBLIP Alpha",
        model_types={},
        checkpoints=("stabilityai/japanese-instructblip-alpha",),
        instructions={
            Task.CHAT: JAPANESE_QUESTION,
            Task.DETAILED_CAPTION: JAPANESE_CAPTION,
            Task.VQA: JAPANESE_QUESTION,
            Task.DESCRIBE_REGION: JAPANESE_QUESTION.replace(
                "{text}", DESCRIBE_MARKED_REGION_JAPANESE
            ),
        },
        region_wording=JAPANESE,
        chat_template=JAPANESE_TEMPLATE,
        prefix_separator="",
        control_tokens=("###", *FAMILY.control_tokens),
    ),
)
