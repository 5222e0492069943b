"""LLaVA-JP: LLaVA in Japanese, with 1.3 billion parameters; no regions.

Prompt: `conv_vicuna_v1` of llava/conversation.py in https://github.com/tosiyuki/LLaVA-JP, and
`conv_karasu` for the checkpoints that end an answer with "</s>" instead. demo_llava.py removes the
last token of the prompt, an end of text that the tokenizer adds. Caption: the wording of the
training data (tools/stair_caption_to_llava_format.py). For a detailed one none is published, so it
is asked for in plain words. Square brackets in an answer are ordinary text.

Runs on its own code, not in transformers.
"""

from vlm_demo.prompting.family import Family
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION_JAPANESE, JAPANESE
from vlm_demo.values import Sampling, Task

TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'assistant' %}{{ text }}<EOD|LLM-jp>"
    "{% elif message['role'] == 'system' %}{{ text }} "
    "{% else %}ユーザー: "
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{{ text }} システム: {% endif %}"
    "{% endfor %}"
)

FAMILY = Family(
    name="llava_jp",
    title="LLaVA-JP",
    model_types={},
    checkpoints=("toshi456/llava-jp-1.3b-v1.0", "toshi456/llava-jp-1.3b-v1.1"),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "画像について説明してください。",
        Task.DETAILED_CAPTION: "画像について詳しく説明してください。",
        Task.VQA: "{text}",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION_JAPANESE,
    },
    region_wording=JAPANESE,
    system="これは好奇心旺盛なユーザーと人工知能システムのチャットです。"
    "システムはユーザーの質問に親切、詳細、丁寧に答える。",
    documented_template=TEMPLATE,
    end_markers=("<EOD|LLM-jp>", "</s>"),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=256),
    control_tokens=("<image>", "<EOD|LLM-jp>", "<s>", "</s>", "<unk>", "<pad>"),
)
