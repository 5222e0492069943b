"""Ovis2: chat models without a documented markup for regions.

Template: `CHAT_TEMPLATE` of transformers/models/ovis2/convert_ovis2_weights_to_hf.py, which the
converted checkpoints carry: ChatML with a fixed system sentence, and a newline after each image.
The originals are AIDC-AI/Ovis2-* with code of their own. "Describe the image." is the example of
the documentation (https://huggingface.co/docs/transformers/model_doc/ovis2); the other wordings are
ours.
"""

from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Task

TEMPLATE = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{{ '<image>\n' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n' }}"
)

FAMILY = Family(
    name="ovis2",
    title="Ovis2",
    model_types={"ovis2": Architecture(position_ids="plain", cuda_graphs=True)},
    checkpoints=tuple(
        f"thisisiron/Ovis2-{size}-hf" for size in ("1B", "2B", "4B", "8B", "16B", "34B")
    ),
    instructions={
        **PLAIN_ENGLISH,
        Task.CAPTION: "Describe the image in one sentence.",
        Task.DETAILED_CAPTION: "Describe the image.",
    },
    documented_template=TEMPLATE,
    end_markers=("<|im_end|>", "<|endoftext|>"),
    prefix_separator="",
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<image>", "<IMG_ATOM>", "<IMG_START>"),
        *("<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>"),
    ),
)
