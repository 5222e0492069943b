"""Generic JSON: a format of answers, not a model. Nothing can be asked with it, much can be read.

Shapes that are accepted: those of lmms-eval's pull request 1373
(https://github.com/EvolvingLMMs-Lab/lmms-eval/pull/1373) and of the Gemini parsers of
https://github.com/roboflow/supervision (0.31). `box_2d` is Gemini's key, whose numbers are y before
x. What the numbers count cannot be told from them: it must be said (`Frame.space`); thousandths of
the picture are taken where nothing is said.
"""

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.markup.json_places import Dialect, reader, writer
from vlm_demo.prompting.family import Family

FAMILY = Family(
    name="json",
    title="Generic JSON",
    model_types=(),
    checkpoints=(),
    instructions={},
    markup=Markup(
        reader(Dialect(in_prose="any", last_fence=True, y_first_keys=frozenset({"box2d"}))),
        writer("bbox_2d"),
        N1000,
    ),
    end_markers=("<|im_end|>", "<|endoftext|>", "<end_of_turn>", "</s>"),
    availability="it is a format of answers, not a model. It is for reading what others wrote",
)
