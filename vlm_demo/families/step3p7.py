"""Step 3.7: a mixture of experts that reasons and sees; no places are documented.

The checkpoint's own template is used; it could not be read. A picture is `<im_patch>`
(transformers/models/step3p7/processing_step3p7.py, 5.23); reasoning stands in `<think>`. The
wordings are ours.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Sampling, Task

FAMILY = Family(
    name="step3p7",
    title="Step 3.7",
    model_types={"step3p7": ONE_AT_A_TIME},
    checkpoints=("stepfun-ai/Step-3.7-Flash",),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text}\nAnswer with a single word or phrase.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
        Task.READ: "Read all the text in the image.",
    },
    end_markers=("<|im_end|>", "<|EOT|>", "<|endoftext|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|BOT|>", "<|EOT|>", "<im_patch>"),
        *("<im_start>", "<im_end>", "<patch_start>", "<patch_end>", "<think>", "</think>"),
    ),
)
