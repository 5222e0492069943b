"""Perception LM: an open chat model for pictures and videos; no places are documented.

The checkpoints' own template is used; it could not be read. Its tokens are Llama 3's
(transformers/models/perception_lm, 5.23). The wordings are ours.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH

FAMILY = Family(
    name="perception_lm",
    title="Perception LM",
    model_types={"perception_lm": ONE_AT_A_TIME},
    checkpoints=(
        "facebook/Perception-LM-1B",
        "facebook/Perception-LM-3B",
        "facebook/Perception-LM-8B",
    ),
    instructions=PLAIN_ENGLISH,
    end_markers=("<|eot_id|>", "<|end_of_text|>"),
    prefix_separator="",
    limits=FamilyLimits(),
    control_tokens=(
        *("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"),
        *("<|eot_id|>", "<|eom_id|>", "<|python_tag|>", "<|image|>", "<|video|>"),
    ),
)
