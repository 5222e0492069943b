"""Command A Vision: a large chat model for business documents; no places are documented.

Template: that of vLLM's example (examples/offline_inference/vision_language.py of
https://github.com/vllm-project/vllm) after `<BOS_TOKEN>`. The checkpoint's own adds a long system
text of its makers. Wordings and tokens are Aya Vision's, but for the token of a picture. Sampling:
the card.
"""

from dataclasses import replace

from vlm_demo.families.cohere.aya_vision import FAMILY as AYA_VISION
from vlm_demo.families.cohere.aya_vision import TEMPLATE as AYA_TEMPLATE
from vlm_demo.prompting.architecture import ONE_AT_A_TIME

FAMILY = replace(
    AYA_VISION,
    name="cohere2_vision",
    title="Command A Vision",
    model_types={"cohere2_vision": ONE_AT_A_TIME},
    checkpoints=("CohereLabs/command-a-vision-07-2025",),
    documented_template=AYA_TEMPLATE.replace("<image>", "<|IMG_PATCH|>"),
    control_tokens=tuple(token for token in AYA_VISION.control_tokens if token != "<image>"),
)
