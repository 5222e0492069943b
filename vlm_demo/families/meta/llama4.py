"""Llama 4: mixtures of experts that see several pictures; no places are documented.

Template: `chat_template` in transformers/models/llama4/processing_llama4.py (5.23). The wordings
are ours. Sampling: generation_config.json of the checkpoints.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Sampling

TEMPLATE = (
    "<|begin_of_text|>{% for message in messages %}"
    "<|header_start|>{{ message['role'] }}<|header_end|>{{ '\n\n' }}"
    "{% for part in message['content'] %}"
    "{{ '<|image|>' if part['type'] == 'image' else part['text'] | trim }}{% endfor %}<|eot|>"
    "{% endfor %}<|header_start|>assistant<|header_end|>{{ '\n\n' }}"
)

FAMILY = Family(
    name="llama4",
    title="Llama 4",
    model_types={"llama4": ONE_AT_A_TIME},
    checkpoints=(
        "meta-llama/Llama-4-Scout-17B-16E-Instruct",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct",
    ),
    instructions=PLAIN_ENGLISH,
    documented_template=TEMPLATE,
    end_markers=("<|eot|>", "<|eom|>", "<|end_of_text|>"),
    prefix_separator="",
    sampling=Sampling(temperature=0.6, top_p=0.9),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<|begin_of_text|>", "<|end_of_text|>", "<|header_start|>", "<|header_end|>"),
        *("<|eot|>", "<|eom|>", "<|step|>", "<|python_start|>", "<|python_end|>", "<|image|>"),
        *("<|image_start|>", "<|image_end|>", "<|patch|>", "<|tile_x_separator|>"),
        "<|tile_y_separator|>",
    ),
)
