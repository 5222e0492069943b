"""Gemma 4: a chat model that sees and reasons; it finds things, in a format that is contested.

    ```json
    [{"box_2d": [y1, x1, y2, x2], "label": "button"}]
    ```

on a grid of 1000 x 1000. https://ai.google.dev/gemma/docs/capabilities/vision names the detection
of objects among the abilities. Contested: which number comes first. `box_2d` has y first where
Gemini writes it (https://ai.google.dev/gemini-api/docs/image-understanding), and so it is read
here; guides of others say x first. The question asks for y first, and people can choose the other
order for an answer. Other wordings are ours.

Tokens: transformers/models/gemma4/processing_gemma4.py and cli/serving/utils.py (5.23): turns end
with `<turn|>`, reasoning stands between `<|channel>thought` and `<channel|>`. Template:
swift/template/templates/gemma.py of https://github.com/modelscope/ms-swift (August 2026). Sampling:
as Gemma 3's; unverified. Reasoning is off unless it is turned on (`enable_thinking`:
https://docs.vllm.ai/en/latest/features/reasoning_outputs/).
"""

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000, with_y_first
from vlm_demo.markup.json_markup import json_reader, json_writer
from vlm_demo.markup.written_answers import json_answer_writer
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.image_resolutions import ImageResolution
from vlm_demo.prompting.plain_instructions import FIND, FIND_EVERY, PLAIN_ENGLISH
from vlm_demo.prompting.targets import TargetList
from vlm_demo.translatable_text import message
from vlm_demo.values import Sampling, Task

NOTE = message(
    "Whether Gemma 4 writes x or y first is disputed. It was asked for y first, as Gemini "
    "writes boxes. If the boxes are off, choose the other order."
)

_JSON = (
    'Answer only with a JSON list. Each entry has the bounding box in "box_2d" as '
    '[y0, x0, y1, x1], normalized to 0-1000, and the name in "label".'
)
_EVERY = FIND_EVERY + _JSON

TEMPLATE = (
    "<bos>{% for message in messages %}"
    "<|turn>{{ 'model\n' if message['role'] == 'assistant' else message['role'] + '\n' }}"
    "{% for part in message['content'] %}"
    "{{ '<|image|>' if part['type'] == 'image' else part['text'] | trim }}{% endfor %}"
    "{{ '<turn|>\n' }}{% endfor %}{{ '<|turn>model\n' }}"
)

SIZES = ("E2B", "E4B", "12B", "26B-A4B", "31B")

MARKUP = Markup(
    json_reader(),
    json_writer("box_2d"),
    with_y_first(N1000),
    answer_writer=json_answer_writer("box_2d"),
)
"""Gemini's format, which Gemma 3 and 4 are asked for."""

FAMILY = Family(
    name="gemma4",
    title="Gemma 4",
    model_types={"gemma4": ONE_AT_A_TIME, "gemma4_unified": ONE_AT_A_TIME},
    checkpoints=tuple(f"google/gemma-4-{size}-it" for size in SIZES),
    instructions={**PLAIN_ENGLISH, Task.GROUNDING: FIND + _JSON, Task.DETECT: _EVERY},
    target_lists={Task.GROUNDING: TargetList(_EVERY), Task.DETECT: TargetList(_EVERY)},
    notes={Task.GROUNDING: NOTE, Task.DETECT: NOTE},
    markup=MARKUP,
    documented_template=TEMPLATE,
    has_thinking_switch=True,
    end_markers=("<turn|>", "<eos>", "<|tool_response>"),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=1024, temperature=1.0, top_p=0.95, top_k=64),
    resolutions=tuple(
        # The numbers that transformers/models/gemma4/image_processing_gemma4.py takes.
        ImageResolution(tokens, {"max_soft_tokens": tokens})
        for tokens in (70, 140, 280, 560, 1_120)
    ),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<bos>", "<eos>", "<pad>", "<unk>", "<|turn>", "<turn|>", "<|channel>", "<channel|>"),
        *("<|image>", "<|image|>", "<image|>", "<|video|>", "<|audio>", "<|audio|>", "<audio|>"),
        *("<|think|>", "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>"),
        "<tool_response|>",
    ),
)
