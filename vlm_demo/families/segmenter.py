"""Models that outline what others find: they are asked with regions, never in words.

See `vlm_demo/engines/segmenter` and `Backend.outline`.
"""

from vlm_demo.prompting.family import Family
from vlm_demo.translatable_text import message

FAMILY = Family(
    name="segmenter",
    title="Outlines (not a language model)",
    model_types={},
    checkpoints=(),
    instructions={},
    unavailable_reason=message("it outlines what others find and does not answer in words"),
)
