"""Pink: finds and describes regions; its questions tag descriptions and regions.

Source: https://github.com/SY-Xuan/Pink, as far as it could be read in excerpts. The conversation is
Llama-2's; the image stands in its system text, "Image: " and patch tokens (one here). Questions
hold `<des>words</des>` for what is to be found and `<loc>[...]</loc>` for a region. Answers hold
bare brackets of three decimals without blanks, fractions of the image; the demo's reader loses
1.000, here it counts. For short answers and captions no wording is known, so they are not offered.

Adapters for Llama-2-7B-chat; runs only on its own code.
"""

from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import UNIT
from vlm_demo.prompting.family import Family
from vlm_demo.values import Task

TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'assistant' %} {{ text }} </s><s>"
    "{% elif message['content'][0]['type'] == 'image' %}"
    "{{ '[INST] <<SYS>>\nImage: <im_patch>\n<</SYS>>\n\n' ~ text }} [/INST]"
    "{% else %}[INST] {{ text }} [/INST]{% endif %}{% endfor %}"
)

FAMILY = Family(
    name="pink",
    title="Pink",
    model_types={},
    checkpoints=("SY-Xuan/Pink_base", "SY-Xuan/Pink_object365", "SY-Xuan/Pink_RefCOCO"),
    instructions={
        Task.CHAT: "{text}",
        Task.GROUNDING: "Where is <des>{text}</des> in the image?",
        Task.DESCRIBE_REGION: "Give me a description of the region <loc>{region}</loc> in image",
    },
    markup=Brackets(
        decimals=3, number_separator=",", region_separator="],[", strips_tags=True
    ).markup(UNIT),
    region_template="<loc>{region}</loc>",
    documented_template=TEMPLATE,
    end_markers=("</s>",),
    control_tokens=(
        *("<im_patch>", "<image>", "<s>", "</s>", "<unk>", "[INST]", "[/INST]", "<<SYS>>"),
        *("<</SYS>>", "<des>", "</des>", "<loc>", "</loc>", "<cls>", "<rel>", "<qes>", "<opt>"),
    ),
)
