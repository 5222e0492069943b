"""Gemma 3n: a small chat model for text, pictures and sound; no places are documented.

Template: Gemma 3's, with `<image_soft_token>` for a picture (prompt of vLLM's example,
examples/offline_inference/vision_language.py of https://github.com/vllm-project/vllm, 2026, which
leaves `<bos>` to the tokenizer). The wordings are ours. Sampling: as Gemma 3's. Its vision tower
needs timm.
"""

from vlm_demo.families.google.gemma3 import TEMPLATE as GEMMA3_TEMPLATE
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Sampling

TEMPLATE = GEMMA3_TEMPLATE.replace("<start_of_image>", "<image_soft_token>")

FAMILY = Family(
    name="gemma3n",
    title="Gemma 3n",
    model_types={"gemma3n": ONE_AT_A_TIME},
    checkpoints=("google/gemma-3n-E2B-it", "google/gemma-3n-E4B-it"),
    instructions=PLAIN_ENGLISH,
    documented_template=TEMPLATE,
    end_markers=("<end_of_turn>", "<eos>"),
    prefix_separator="",
    sampling=Sampling(temperature=1.0, top_p=0.95, top_k=64),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<bos>", "<eos>", "<pad>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
        *("<start_of_image>", "<end_of_image>", "<image_soft_token>", "<start_of_audio>"),
        *("<end_of_audio>", "<audio_soft_token>"),
    ),
)
