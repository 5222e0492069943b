"""Ferret: reads and writes regions as whole numbers, thousandths of the image.

Prompt: `ferret_v1` of https://github.com/apple/ml-ferret (read at 3c9e5c9), ferret/conversation.py,
with two blanks before "USER:". Wording: ferret/constants.py (what is added for grounded captions),
the project's evaluation for locations; for regions and plain captions none is published, so they
are asked for in plain words. Markup: `a man [100, 200, 300, 900]`, one bracket a box, after its
words; the system text calls `[x, y]` a point.

The project's readers fail on decimals (ferret/serve/gradio_web_server.py) or on any other bracket,
and lose a second box in a sentence without commas (ferret/eval/eval_flickr_entities.py); here all
of them are read.

A region in a question is its box and `<region_fea>`, which Ferret's own server replaces by image
features; other servers cannot. Released as weight differences to Vicuna; runs only on its own code.
"""

from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.targets import TargetList
from vlm_demo.values import Task

TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'user' %}USER: "
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{{ text }} ASSISTANT:"
    "{% elif message['role'] == 'assistant' %} {{ text }}</s>"
    "{% else %}{{ text ~ '  ' }}{% endif %}{% endfor %}"
)

FAMILY = Family(
    name="ferret",
    title="Ferret",
    model_types={},
    checkpoints=(),  # a download of its own, not on the Hub
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe the image in one sentence.",
        Task.DETAILED_CAPTION: "Describe the image in detail.",
        Task.GROUNDED_CAPTION: "Describe the image in one sentence.\n"
        "Provide the bounding boxes of the mentioned objects.",
        Task.GROUNDING: "What is the location of {text} in the image?",
        Task.DESCRIBE_REGION: "What is in the region {region} <region_fea>?",
        Task.DETECT: "What are the locations of {text}?",
    },
    target_lists={Task.DETECT: TargetList("What are the locations of {text}?")},
    markup=Brackets(reads_points=True, reads_long_lists=True, strips_tags=True).markup(
        N1000, asks_points=True
    ),
    region_template="{region} <region_fea>",
    system="A chat between a human and an AI that understands visuals. In images, [x, y] denotes "
    "points: top-left [0, 0], bottom-right [width-1, height-1]. Increasing x moves right; y moves "
    "down. Bounding box: [x1, y1, x2, y2]. Image size: 1000x1000. Follow instructions.",
    documented_template=TEMPLATE,
    end_markers=("</s>",),
    control_tokens=("<image>", "<region_fea>", "<s>", "</s>", "<unk>", "<im_patch>"),
)
