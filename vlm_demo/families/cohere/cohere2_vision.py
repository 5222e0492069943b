"""Command A Vision: a large chat model for business documents; no places are documented.

Template: that of vLLM's example (examples/offline_inference/vision_language.py of
https://github.com/vllm-project/vllm) after `<BOS_TOKEN>`. The checkpoint's own adds a long system
text of its makers. The wordings are ours. Sampling: the card.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Sampling, Task

TEMPLATE = (
    "<BOS_TOKEN>{% for message in messages %}<|START_OF_TURN_TOKEN|>"
    "<|{{ {'assistant': 'CHATBOT', 'user': 'USER', 'system': 'SYSTEM'}[message['role']] }}_TOKEN|>"
    "{% for part in message['content'] %}"
    "{{ '<|IMG_PATCH|>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "<|END_OF_TURN_TOKEN|>{% endfor %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>"
)

FAMILY = Family(
    name="cohere2_vision",
    title="Command A Vision",
    model_types={"cohere2_vision": ONE_AT_A_TIME},
    checkpoints=("CohereLabs/command-a-vision-07-2025",),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text}\nAnswer with a single word or phrase.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
        Task.READ: "Read all the text in the image.",
    },
    documented_template=TEMPLATE,
    end_markers=("<|END_OF_TURN_TOKEN|>", "<|END_RESPONSE|>", "<EOS_TOKEN>"),
    prefix_separator="",
    sampling=Sampling(temperature=0.3),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<BOS_TOKEN>", "<EOS_TOKEN>", "<PAD>", "<UNK>", "<|START_OF_TURN_TOKEN|>"),
        *("<|END_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|SYSTEM_TOKEN|>"),
        *("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|IMG_PATCH|>", "<|START_OF_IMG|>"),
        *("<|END_OF_IMG|>", "<|IMG_LINE_BREAK|>"),
    ),
)
