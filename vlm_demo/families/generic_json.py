"""Generic JSON: a format of answers, not a model. It cannot be asked; it reads what others wrote.

Shapes that are accepted: those of lmms-eval's pull request 1373
(https://github.com/EvolvingLMMs-Lab/lmms-eval/pull/1373) and of the Gemini parsers of
https://github.com/roboflow/supervision (0.31). `box_2d` is Gemini's key, whose numbers are y before
x. The numbers do not show what they count, so the coordinate space must be chosen (`Frame.space`);
otherwise they are taken to be thousandths of the image.

Where there is no JSON about places, the tags of all families are read, numbers in brackets, and
lines and tables of a name with four numbers.
"""

from vlm_demo.markup.any_notation import read_any_notation
from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.markup.json_markup import json_writer
from vlm_demo.prompting.family import Family
from vlm_demo.translatable_text import message

FAMILY = Family(
    name="json",
    title="Generic JSON",
    model_types={},
    checkpoints=(),
    instructions={},
    markup=Markup(read_any_notation, json_writer("bbox_2d"), N1000, reads_json=True),
    end_markers=("<|im_end|>", "<|endoftext|>", "<end_of_turn>", "</s>"),
    unavailable_reason=message(
        "it is an answer format, not a model, and only reads what other models wrote"
    ),
)
