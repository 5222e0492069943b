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

from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import SQUARE
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family
from vlm_demo.values import Task

_PICTURES_AND_TEXT = (
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{{ message['content'][-1]['text'] }}"
)

MISTRAL = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    f"[INST] {_PICTURES_AND_TEXT} [/INST]"
    "{% else %} {{ message['content'][-1]['text'] }} </s>{% endif %}{% endfor %}"
)

VICUNA = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    f"USER: {_PICTURES_AND_TEXT} ASSISTANT:"
    "{% elif message['role'] == 'assistant' %} {{ message['content'][-1]['text'] }}</s>"
    "{% else %}{{ message['content'][-1]['text'] }} {% endif %}{% endfor %}"
)

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' ~ message['role'] ~ '\n' }}"
    f"{_PICTURES_AND_TEXT}<|im_end|>"
    "{% endfor %}{{ '<|im_start|>assistant\n' }}"
)

FAMILY = Family(
    name="llava_next",
    title="LLaVA-NeXT",
    model_types={"llava_next": Architecture(position_ids="plain", cuda_graphs=True)},
    checkpoints=("llava-hf/llava-v1.6-mistral-7b-hf",),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Provide a one-sentence caption for the provided image.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.GROUNDING: "Please provide the bounding box coordinate of the region this sentence "
        "describes: {text}",
        Task.DESCRIBE_REGION: "Please provide a short description for this region: {region}",
    },
    markup=Brackets().markup(SQUARE),
    region_template="{region}",
    chat_template=MISTRAL,
    end_markers=("</s>", "<|im_end|>"),
    control_tokens=("<image>", "<s>", "</s>", "<unk>", "<pad>", "[INST]", "[/INST]"),
)

RELATIVES = (
    replace(
        FAMILY,
        name="llava_next_vicuna",
        title="LLaVA-NeXT Vicuna",
        model_types={},
        checkpoints=("llava-hf/llava-v1.6-vicuna-7b-hf", "llava-hf/llava-v1.6-vicuna-13b-hf"),
        system="A chat between a curious human and an artificial intelligence assistant. The "
        "assistant gives helpful, detailed, and polite answers to the human's questions.",
        chat_template=VICUNA,
        answer_label="ASSISTANT:",
        control_tokens=("<image>", "<s>", "</s>", "<unk>", "<pad>"),
    ),
    replace(
        FAMILY,
        name="llava_next_34b",
        title="LLaVA-NeXT 34B",
        model_types={},
        checkpoints=("llava-hf/llava-v1.6-34b-hf",),
        system="Answer the questions.",
        chat_template=CHATML,
        prefix_separator="",
        control_tokens=(
            *("<image>", "<|im_start|>", "<|im_end|>", "<|startoftext|>", "<|endoftext|>"),
            *("<unk>", "<pad>"),
        ),
    ),
)
