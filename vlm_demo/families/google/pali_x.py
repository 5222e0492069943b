"""PaLI, PaLI-X and PaLI-3: closed models, known only from their papers.

PaLI: https://arxiv.org/abs/2209.06794; PaLI-X: https://arxiv.org/abs/2305.18565; PaLI-3:
https://arxiv.org/abs/2310.09199. PaliGemma was made after PaLI-3 and is open. How the closed models
write regions is not documented well enough to read it, so nothing is read.
"""

from vlm_demo.prompting.family import Family
from vlm_demo.translatable_text import message

FAMILY = Family(
    name="pali_x",
    title="PaLI-X",
    model_types={},
    checkpoints=(),
    instructions={},
    unavailable_reason=message("it is closed; the nearest open relative is PaliGemma (paligemma)"),
)
