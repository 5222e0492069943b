"""Mistral Small 3.1 to 4 and Ministral 3: chat models that see; no places are documented.

Template: `[INST]...[/INST]`, a picture is `[IMG]` (swift/template/templates/mistral.py of
https://github.com/modelscope/ms-swift, August 2026). The checkpoints' own adds a long system text
of their makers where none is given. The wordings are ours. Sampling: the low temperature that the
cards advise; unverified. Reasoning checkpoints write `[THINK]...[/THINK]`.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import PLAIN_ENGLISH
from vlm_demo.values import Sampling

TEMPLATE = (
    "<s>{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'system' %}[SYSTEM_PROMPT]{{ text }}[/SYSTEM_PROMPT]"
    "{% elif message['role'] == 'assistant' %}{{ text }}</s>"
    "{% else %}[INST]{% for part in message['content'] if part['type'] == 'image' %}[IMG]"
    "{% endfor %}{{ text }}[/INST]{% endif %}{% endfor %}"
)

FAMILY = Family(
    name="mistral3",
    title="Mistral Small and Ministral",
    model_types={"mistral3": ONE_AT_A_TIME},
    checkpoints=(
        "mistralai/Mistral-Small-3.1-24B-Instruct-2503",
        "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
        "mistralai/Mistral-Small-4-119B-2603",
        "mistralai/Ministral-3-3B-Instruct-2512",
        "mistralai/Ministral-3-8B-Instruct-2512",
        "mistralai/Ministral-3-14B-Instruct-2512",
    ),
    instructions=PLAIN_ENGLISH,
    documented_template=TEMPLATE,
    end_markers=("</s>",),
    prefix_separator="",
    sampling=Sampling(temperature=0.15),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<s>", "</s>", "<unk>", "<pad>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]"),
        *("[/SYSTEM_PROMPT]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[THINK]", "[/THINK]"),
        *("[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"),
        *("[TOOL_CALLS]", "[TOOL_CONTENT]", "[CALL_ID]", "[ARGS]", "[PREFIX]", "[MIDDLE]"),
        "[SUFFIX]",
    ),
)
