"""Step 3.7: a mixture of experts that reasons and sees; no places are documented.

The checkpoint's own template is used; it could not be read. A picture is `<im_patch>`
(transformers/models/step3p7/processing_step3p7.py, 5.23); reasoning stands in `<think>`. The
wordings are ours.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Sampling

FAMILY = Family(
    name="step3p7",
    title="Step 3.7",
    model_types={"step3p7": ONE_AT_A_TIME},
    checkpoints=("stepfun-ai/Step-3.7-Flash",),
    instructions=PLAIN_ENGLISH,
    end_markers=("<|im_end|>", "<|EOT|>", "<|endoftext|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|BOT|>", "<|EOT|>", "<im_patch>"),
        *("<im_start>", "<im_end>", "<patch_start>", "<patch_end>", "<think>", "</think>"),
    ),
)
