"""GLM-OCR: reads the text, the tables and the formulas of a picture.

Prompts: "Text Recognition:", "Table Recognition:" and "Formula Recognition:", or a question with a
schema (README.md of https://github.com/zai-org/GLM-OCR, read at cef4d0e); any can be typed in a
chat. The model alone writes text without places. The SDK of the same repository runs it after a
model for layouts and writes

    [{"index": 0, "label": "text", "content": "Hi", "bbox_2d": [100, 50, 900, 120]}]

in thousandths of the picture (agent.md), which is read too. A phrase is the text of its element.

Template: that of GLM-4.5V (see glm4v.py), whose tokens it has; unverified.
"""

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.markup.json_markup import json_writer
from vlm_demo.markup.layout_json import LayoutKeys, layout_reader
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.values import Sampling, Task

TEMPLATE = (
    "[gMASK]<sop>{% for message in messages %}<|{{ message['role'] }}|>{{ '\n' }}"
    "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else "
    "'<|begin_of_image|><|image|><|end_of_image|>' }}{% endfor %}{% endfor %}"
    "{{ '<|assistant|>\n' }}"
)

FAMILY = Family(
    name="glm_ocr",
    title="GLM-OCR",
    model_types={"glm_ocr": ONE_AT_A_TIME},
    checkpoints=("zai-org/GLM-OCR",),
    instructions={Task.CHAT: "{text}", Task.READ: "Text Recognition:"},
    markup=Markup(
        layout_reader(LayoutKeys(box="bbox_2d", text="content", label="label", names_by_text=True)),
        json_writer("bbox_2d"),
        N1000,
        reads_json=True,
    ),
    documented_template=TEMPLATE,
    end_markers=("<|user|>", "<|endoftext|>", "<|observation|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096),
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=(
        *("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
        *("<|endoftext|>", "<|begin_of_image|>", "<|image|>", "<|end_of_image|>", "<eop>"),
        *("<|begin_of_video|>", "<|video|>", "<|end_of_video|>", "<think>", "</think>"),
    ),
)
