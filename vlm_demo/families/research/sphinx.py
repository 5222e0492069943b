"""SPHINX: a chat model that writes phrases in tags, and their regions as fractions after them.

Prompts: https://github.com/Alpha-VLLM/LLaMA2-Accessory (read at 3777c43),
accessory/data/conversation/lib.py and docs/projects/SPHINX.md; answers stop at a line with `###`.
The image goes before the text and has no token of its own. Markup
(accessory/demos/multi_turn_mm_box.py):

    <p>two dogs</p>[0.12,0.25,0.48,0.88;0.50,0.20,0.95,0.87] and <p>nose</p>[0.51,0.22]

Fractions are of the image padded to a square; two numbers are a point, as in answers about the key
points of a body. A list without a phrase is unnamed. The demo's own reader loses numbers without a
decimal point and then misreads the box; here they count.

Wording: the project's, except for short answers and regions, where that of LLaVA's data is used.

Runs on its own code (LLaMA2-Accessory), not in transformers.
"""

from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import SQUARE
from vlm_demo.prompting.family import Family
from vlm_demo.values import Task

TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'user' %}{{ '### Human: ' ~ text ~ '\n### Assistant:' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' ~ text ~ '\n' }}"
    "{% else %}{{ text ~ '\n\n' }}{% endif %}{% endfor %}"
)

FAMILY = Family(
    name="sphinx",
    title="SPHINX",
    model_types={},
    checkpoints=("Alpha-VLLM/LLaMA2-Accessory",),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Provide a one-sentence caption for the provided image.",
        Task.DETAILED_CAPTION: "Generate a detailed description about the image.",
        Task.GROUNDED_CAPTION: "Describe the image concisely. Include the bounding box for each "
        "mentioned object.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.GROUNDING: "Please provide the bounding box coordinate of the region this sentence "
        "describes: {text}",
        Task.DESCRIBE_REGION: "Please provide a short description for this region: {region}",
        Task.DETECT: "Detect all {text} shown in the image.",
        Task.READ: "Please detect all texts and provide their bounding box coordinate.",
    },
    markup=Brackets(
        region_separator=";", reads_points=True, strips_tags=True, tagged_phrases=True
    ).markup(SQUARE),
    region_template="{region}",
    system="A chat between a curious human and an artificial intelligence assistant. The "
    "assistant gives helpful, detailed, and polite answers to the human's questions.",
    documented_template=TEMPLATE,
    end_markers=("\n###", "###", "</s>"),
    control_tokens=("<image>", "<s>", "</s>", "<unk>", "<p>", "</p>"),
)
