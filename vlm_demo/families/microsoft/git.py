"""GIT: a small captioner; other checkpoints answer one question. No conversation, no regions.

Prompts: transformers/models/git/modeling_git.py (5.23), examples of `GitForCausalLM.forward`. A
caption needs no words; a question stands after "[CLS]", without the "[SEP]" that the tokenizer
would add, since that token means the end. A given beginning of a caption stands where a question
would. Answers in the examples are at most 50 tokens long.

Cards: microsoft/git-base, git-large and their fine-tuned versions on https://huggingface.co. Those
tuned on questions (VQAv2, TextVQA) were not made to caption, nor the others to answer.
"""

from dataclasses import replace

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Sampling, Task

FAMILY = Family(
    name="git",
    title="GIT",
    model_types={"git": ONE_AT_A_TIME},
    checkpoints=(
        *("microsoft/git-base", "microsoft/git-base-coco", "microsoft/git-base-textcaps"),
        *("microsoft/git-large", "microsoft/git-large-coco", "microsoft/git-large-textcaps"),
    ),
    instructions={Task.CAPTION: ""},
    chat_template=f"[CLS]{BARE_TEXT}",
    end_markers=("[SEP]",),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=50),
    limits=FamilyLimits(history="none", longest_side=1_024, chats_without_image=False),
    control_tokens=("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"),
)

RELATIVES = (
    replace(
        FAMILY,
        name="git_vqa",
        title="GIT for questions",
        checkpoints=(
            *("microsoft/git-base-vqav2", "microsoft/git-base-textvqa"),
            *("microsoft/git-large-vqav2", "microsoft/git-large-textvqa"),
        ),
        instructions={Task.VQA: "{text}"},
    ),
)
