"""Llama 3.2 Vision: a chat model that looks at one picture; no places are documented.

Template: that of the card of meta-llama/Llama-3.2-11B-Vision-Instruct on https://huggingface.co;
the tokens are those of transformers/models/mllama/processing_mllama.py (5.23). The wordings are
ours. Sampling: generation_config.json of the checkpoints.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Sampling

TEMPLATE = (
    "<|begin_of_text|>{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>{{ '\n\n' }}"
    "{% for part in message['content'] %}"
    "{{ '<|image|>' if part['type'] == 'image' else part['text'] | trim }}{% endfor %}<|eot_id|>"
    "{% endfor %}<|start_header_id|>assistant<|end_header_id|>{{ '\n\n' }}"
)

FAMILY = Family(
    name="mllama",
    title="Llama 3.2 Vision",
    model_types={"mllama": ONE_AT_A_TIME},
    checkpoints=(
        "meta-llama/Llama-3.2-11B-Vision-Instruct",
        "meta-llama/Llama-3.2-90B-Vision-Instruct",
    ),
    instructions=PLAIN_ENGLISH,
    documented_template=TEMPLATE,
    end_markers=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
    prefix_separator="",
    sampling=Sampling(temperature=0.6, top_p=0.9),
    limits=FamilyLimits(),
    control_tokens=(
        *("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"),
        *("<|eot_id|>", "<|eom_id|>", "<|python_tag|>", "<|image|>", "<|step_id|>"),
        "<|finetune_right_pad_id|>",
    ),
)
