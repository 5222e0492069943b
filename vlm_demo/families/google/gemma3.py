"""Gemma 3: a chat model. Asking it for regions is an experiment.

Template: https://ai.google.dev/gemma/docs/core/prompt-structure and chat_template.json of
google/gemma-3-4b-it on https://huggingface.co. The system text goes before the first question.

Regions: the card names no format. Discussion 38 of google/gemma-3-4b-it calls Gemini's convention
likely, so that is asked for and read:

    [{"box_2d": [y0, x0, y1, x1], "label": "cat"}]

in thousandths of the image, y before x (https://ai.google.dev/gemini-api/docs/image-understanding).
Fine-tuned relatives may write other markup. The wordings are ours. Sampling: generation_config.json
of the checkpoints.
"""

from vlm_demo.families.google.gemma4 import MARKUP
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import FIND, FIND_EVERY, PLAIN_ENGLISH
from vlm_demo.prompting.targets import TargetList
from vlm_demo.translatable_text import message
from vlm_demo.values import Sampling, Task

NOTE = message(
    "Gemma 3 is not documented to locate objects. It was prompted like its relative Gemini; "
    "the boxes are experimental and may be far off."
)

_JSON = (
    'Answer only with a JSON list. Each entry has the bounding box in "box_2d" as '
    '[y0, x0, y1, x1], normalized to 0-1000, and the name in "label".'
)

_FIND = FIND + _JSON
_EVERY = FIND_EVERY + _JSON

TEMPLATE = (
    "<bos>{% for message in messages %}{% if message['role'] != 'system' %}"
    "<start_of_turn>{{ 'model\n' if message['role'] == 'assistant' else 'user\n' }}"
    "{% if loop.index0 == 1 and messages[0]['role'] == 'system' %}"
    "{{ messages[0]['content'][-1]['text'] + '\n\n' }}{% endif %}"
    "{% for part in message['content'] %}"
    "{{ '<start_of_image>' if part['type'] == 'image' else part['text'] | trim }}{% endfor %}"
    "{{ '<end_of_turn>\n' }}{% endif %}{% endfor %}{{ '<start_of_turn>model\n' }}"
)


FAMILY = Family(
    name="gemma3",
    title="Gemma 3",
    model_types={"gemma3": Architecture(position_ids="plain", cuda_graphs=True)},
    checkpoints=("google/gemma-3-4b-it", "google/gemma-3-12b-it", "google/gemma-3-27b-it"),
    instructions={**PLAIN_ENGLISH, Task.GROUNDING: _FIND, Task.DETECT: _EVERY},
    target_lists={Task.GROUNDING: TargetList(_FIND), Task.DETECT: TargetList(_EVERY)},
    notes={Task.GROUNDING: NOTE, Task.DETECT: NOTE},
    markup=MARKUP,
    documented_template=TEMPLATE,
    end_markers=("<end_of_turn>", "<eos>"),
    prefix_separator="",
    sampling=Sampling(temperature=1.0, top_p=0.95, top_k=64),
    limits=FamilyLimits(max_images=4, longest_side=1_024),
    control_tokens=(
        *("<bos>", "<eos>", "<pad>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
        *("<start_of_image>", "<end_of_image>", "<image_soft_token>"),
    ),
)
