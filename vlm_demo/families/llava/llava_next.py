"""LLaVA-NeXT (LLaVA-1.6): LLaVA-1.5's wording, images in tiles, several language models.

Prompts: `mistral_instruct`, `llava_v1` and `chatml_direct` of
https://github.com/haotian-liu/LLaVA/blob/main/llava/conversation.py (read at c121f04), which that
project picks by the checkpoint's name (llava/eval/run_llava.py). Each language model has its own:
the checkpoints on Mistral 7B, those on Vicuna, and the 34B one, whose ChatML has no newline after
`<|im_end|>`. They stand here because the Hub's own templates leave out the `</s>` after an answer
or the system sentence.

Wording: as LLaVA-1.5, whose data this was trained on. Regions are the same bare fractions, and less
reliable. What they refer to is not documented; we take LLaVA-1.5's padded square.
"""

from dataclasses import replace

from vlm_demo.families.llava.llava15 import TRAINING_INSTRUCTIONS
from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import SQUARE, UNIT
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family

_IMAGES_AND_TEXT = (
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{{ message['content'][-1]['text'] }}"
)

MISTRAL = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    f"[INST] {_IMAGES_AND_TEXT} [/INST]"
    "{% else %} {{ message['content'][-1]['text'] }} </s>{% endif %}{% endfor %}"
)

VICUNA = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    f"USER: {_IMAGES_AND_TEXT} ASSISTANT:"
    "{% elif message['role'] == 'assistant' %} {{ message['content'][-1]['text'] }}</s>"
    "{% else %}{{ message['content'][-1]['text'] }} {% endif %}{% endfor %}"
)

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' ~ message['role'] ~ '\n' }}"
    f"{_IMAGES_AND_TEXT}<|im_end|>"
    "{% endfor %}{{ '<|im_start|>assistant\n' }}"
)

PUBLISHED_MISTRAL = tuple(MISTRAL.replace(" </s>", end) for end in ("", "</s>", r"<\s>"))
"""What the template of llava-hf/llava-v1.6-mistral-7b-hf on the Hub writes, in its versions."""

PUBLISHED_VICUNA = (
    "{% for message in messages %}"
    "{{ message['role'] | upper ~ ': ' if message['role'] != 'system' }}"
    f"{_IMAGES_AND_TEXT} {{% endfor %}}ASSISTANT:"
)
"""What the templates of llava-hf/llava-v1.6-vicuna-7b-hf and -13b-hf on the Hub write."""

FAMILY = Family(
    name="llava_next",
    title="LLaVA-NeXT",
    model_types={"llava_next": Architecture(position_ids="plain", cuda_graphs=True)},
    checkpoints=("llava-hf/llava-v1.6-mistral-7b-hf",),
    instructions=TRAINING_INSTRUCTIONS,
    markup=Brackets().markup(SQUARE),
    contested_spaces=(UNIT.name,),
    region_template="{region}",
    chat_template=MISTRAL,
    published_templates=PUBLISHED_MISTRAL,
    end_markers=("</s>", "<|im_end|>"),
    control_tokens=("<image>", "<s>", "</s>", "<unk>", "<pad>", "[INST]", "[/INST]"),
)

RELATIVES = (
    replace(
        FAMILY,
        name="llava_next_vicuna",
        title="LLaVA-NeXT Vicuna",
        checkpoints=("llava-hf/llava-v1.6-vicuna-7b-hf", "llava-hf/llava-v1.6-vicuna-13b-hf"),
        system="A chat between a curious human and an artificial intelligence assistant. The "
        "assistant gives helpful, detailed, and polite answers to the human's questions.",
        chat_template=VICUNA,
        published_templates=(PUBLISHED_VICUNA,),
        control_tokens=("<image>", "<s>", "</s>", "<unk>", "<pad>"),
    ),
    replace(
        FAMILY,
        name="llava_next_34b",
        title="LLaVA-NeXT 34B",
        checkpoints=("llava-hf/llava-v1.6-34b-hf",),
        system="Answer the questions.",
        chat_template=CHATML,
        published_templates=(CHATML,),
        prefix_separator="",
        control_tokens=(
            *("<image>", "<|im_start|>", "<|im_end|>", "<|startoftext|>", "<|endoftext|>"),
            *("<unk>", "<pad>"),
        ),
    ),
)
