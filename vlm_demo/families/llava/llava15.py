"""LLaVA-1.5: a chat model that writes regions as bare fractions, `[x1, y1, x2, y2]`.

Prompt: `llava_v1` of https://github.com/haotian-liu/LLaVA/blob/main/llava/conversation.py (read at
c121f04), without its system sentence, as the cards of llava-hf/llava-1.5-7b-hf and -13b-hf on
https://huggingface.co ask. The template stands here because the Hub's own leaves out the `</s>`
that closed every answer in training.

Wording: "Answer the question using a single word or phrase." is LLaVA's own for short answers
(docs/Evaluation.md); those for regions are from the training data (RefCOCO and Visual Genome parts
of llava_v1_5_mix665k). GROUNDED_CAPTION is ours: the real checkpoints were not trained on it.

Contested: what the fractions refer to. For Visual Genome data it is the image padded to a square
(LLaVA issue #606, example in #623); for RefCOCO issue #822 disputes it. We take the padded square.
Square images come out the same either way.

The output marks no phrase, so the words before the bracket are taken (a heuristic), or the user's
own where there are none.
"""

from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import SQUARE, UNIT
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.padding import pad_to_square
from vlm_demo.values import Task

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}USER: "
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}"
    "{% elif message['role'] == 'assistant' %} ASSISTANT: "
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] | trim }}"
    "{% endfor %}</s>"
    "{% else %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }} {% endfor %}"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)

PUBLISHED_TEMPLATE = (
    "{% for message in messages %}"
    "{{ message['role'] | upper ~ ': ' if message['role'] != 'system' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }} {% endfor %}"
    "{% endfor %}ASSISTANT:"
)
"""What the template of llava-hf/llava-1.5-7b-hf on the Hub writes."""

TRAINING_INSTRUCTIONS = {
    Task.CHAT: "{text}",
    Task.CAPTION: "Provide a one-sentence caption for the provided image.",
    Task.DETAILED_CAPTION: "Describe this image in detail.",
    Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
    Task.GROUNDING: "Please provide the bounding box coordinate of the region this sentence "
    "describes: {text}",
    Task.DESCRIBE_REGION: "Please provide a short description for this region: {region}",
}
"""The wordings of llava_v1_5_mix665k, the data that LLaVA was trained on."""

FAMILY = Family(
    name="llava15",
    title="LLaVA-1.5",
    model_types={"llava": Architecture(position_ids="plain", cuda_graphs=True)},
    checkpoints=("llava-hf/llava-1.5-7b-hf", "llava-hf/llava-1.5-13b-hf"),
    instructions={
        **TRAINING_INSTRUCTIONS,
        Task.GROUNDED_CAPTION: "Describe this image and give the bounding box coordinates of "
        "everything you mention.",
    },
    markup=Brackets().markup(SQUARE),
    contested_spaces=(UNIT.name,),
    region_template="{region}",
    prepare_image=pad_to_square,
    limits=FamilyLimits(longest_side=1_024),
    chat_template=CHAT_TEMPLATE,
    published_templates=(PUBLISHED_TEMPLATE,),
    end_markers=("</s>",),
    control_tokens=("<image>", "<s>", "</s>", "<unk>", "<pad>"),
)
