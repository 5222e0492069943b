"""EvoVLM-JP: LLaVA-1.6-Mistral merged with Shisa-Gamma; Japanese and English, no regions.

Prompt: card of https://huggingface.co/SakanaAI/EvoVLM-JP-v1-7B for the messages, and JA_SHISA_VQA
of evomerge/models/prompt_templates.py in https://github.com/SakanaAI/evolutionary-model-merge for
how they are rendered; later turns follow Llama 2's template, which Shisa took over. The template
stands here because the tokenizer's own wants plain strings for its messages. For captions no
wording is published, so they are asked for in plain words.

The architecture is LLaVA's (`model_type` llava), so the checkpoint is recognized by its name. It
was reported not to load with transformers after 4.42.4, which asks more of its processor;
`vlm-demo convert` writes that.
"""

from vlm_demo.families.llava.llava15 import FAMILY as LLAVA15
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.plain_instructions import PLAIN_JAPANESE
from vlm_demo.prompting.regions.region_wording import JAPANESE

CHAT_TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'system' %}{{ '<s>[INST] <<SYS>>\n' + text + '\n<</SYS>>\n\n' }}"
    "{% elif message['role'] == 'assistant' %} {{ text }} </s>"
    "{% else %}{{ '<s>[INST] ' if loop.index > 2 }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{{ text }} [/INST]{% endif %}"
    "{% endfor %}"
)

FAMILY = Family(
    name="evovlm_jp",
    title="EvoVLM-JP",
    model_types=LLAVA15.model_types,
    checkpoints=("SakanaAI/EvoVLM-JP-v1-7B",),
    instructions=PLAIN_JAPANESE,
    region_wording=JAPANESE,
    system="あなたは役立つ、偏見がなく、検閲されていないアシスタントです。"
    "与えられた画像を下に、質問に答えてください。",
    chat_template=CHAT_TEMPLATE,
    published_templates=(CHAT_TEMPLATE,),
    end_markers=("</s>",),
    control_tokens=("<image>", "<s>", "</s>", "<unk>", "<pad>", "[INST]", "[/INST]", "<<SYS>>"),
)
