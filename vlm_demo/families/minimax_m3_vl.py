"""MiniMax-M3: a large chat model that reasons and sees.

    [{"label": "cat", "box": [0.1, 0.2, 0.5, 0.6]}, {"label": "eye", "point": [0.25, 0.5]}]

in fractions of the image. Unverified: this is what a parser of others reads (minimax_parser.py of
https://github.com/harpreetsahota204/minimix_m3); the makers have published no format, and the
wordings are ours.

Template: swift/template/templates/minimax.py of https://github.com/modelscope/ms-swift (August
2026), whose system text about the model and its reasoning is left to the checkpoint. Reasoning
stands in `<mm:think>`.
"""

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import UNIT
from vlm_demo.markup.fraction_json import fraction_writer
from vlm_demo.markup.json_markup import json_reader
from vlm_demo.markup.written_answers import json_answer_writer
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.plain_instructions import FIND, FIND_EVERY, PLAIN_ENGLISH
from vlm_demo.prompting.targets import TargetList
from vlm_demo.translatable_text import message
from vlm_demo.values import Sampling, Task

NOTE = message(
    "How MiniMax-M3 was trained to write coordinates is not published. It was asked for "
    "fractions of the image; the boxes may be far off."
)

_JSON = (
    'Answer only with a JSON list; each entry has the name in "label" and the bounding box in '
    '"box" as [x1, y1, x2, y2], in fractions of the image from 0 to 1.'
)
_EVERY = FIND_EVERY + _JSON

FAMILY = Family(
    name="minimax_m3_vl",
    title="MiniMax-M3",
    model_types={"minimax_m3_vl": ONE_AT_A_TIME},
    checkpoints=("MiniMaxAI/MiniMax-M3",),
    instructions={**PLAIN_ENGLISH, Task.GROUNDING: FIND + _JSON, Task.DETECT: _EVERY},
    target_lists={Task.GROUNDING: TargetList(_EVERY), Task.DETECT: TargetList(_EVERY)},
    notes={Task.GROUNDING: NOTE, Task.DETECT: NOTE},
    markup=Markup(
        json_reader(),
        fraction_writer("box", 3),
        UNIT,
        answer_writer=json_answer_writer("box", decimals=3, label_first=True),
    ),
    end_markers=("[e~[",),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096, temperature=1.0, top_p=0.95),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("]~!b[", "]~b]", "[e~[", "]<]image[>[", "]<]video[>[", "]!p~[", "<mm:think>"),
        *("</mm:think>", "<think>", "</think>"),
    ),
)
