"""Aya Vision: a chat model for 23 languages; no places are documented.

Template: that of vLLM's example (examples/offline_inference/vision_language.py of
https://github.com/vllm-project/vllm) after `<BOS_TOKEN>`; the tokens are those of
transformers/models/aya_vision/processing_aya_vision.py (5.23). The wordings are ours. Sampling: the
card.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Sampling

TEMPLATE = (
    "<BOS_TOKEN>{% for message in messages %}<|START_OF_TURN_TOKEN|>"
    "<|{{ {'assistant': 'CHATBOT', 'user': 'USER', 'system': 'SYSTEM'}[message['role']] }}_TOKEN|>"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "<|END_OF_TURN_TOKEN|>{% endfor %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
)

FAMILY = Family(
    name="aya_vision",
    title="Aya Vision",
    model_types={"aya_vision": ONE_AT_A_TIME},
    checkpoints=("CohereLabs/aya-vision-8b", "CohereLabs/aya-vision-32b"),
    instructions=PLAIN_ENGLISH,
    documented_template=TEMPLATE,
    end_markers=("<|END_OF_TURN_TOKEN|>", "<|END_RESPONSE|>", "<EOS_TOKEN>"),
    prefix_separator="",
    sampling=Sampling(temperature=0.3),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<BOS_TOKEN>", "<EOS_TOKEN>", "<PAD>", "<UNK>", "<|START_OF_TURN_TOKEN|>"),
        *("<|END_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|SYSTEM_TOKEN|>"),
        *("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<image>", "<|IMG_PATCH|>"),
        *("<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_LINE_BREAK|>"),
    ),
)
