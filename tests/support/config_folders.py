"""Folders of checkpoints without weights: a config, and a chat template as it is on the Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_IMAGES_FIRST = (
    "{% for part in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\n' }}{% endfor %}"
)
_TEXTS = (
    "{% for part in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{{ part['text'] }}{% endfor %}"
)

TEMPLATES = {
    "llava15": "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ message['role'].upper() + ': '}}{% endif %}"
    + _IMAGES_FIRST
    + "{% if message['role'] != 'assistant' %}"
    + _TEXTS.replace("part['text']", "part['text'] + ' '")
    + "{% else %}{% for part in message['content'] %}{% generation %}{{ part['text'] + ' '}}"
    "{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}",
    "mistral": "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' }}"
    + _IMAGES_FIRST
    + _TEXTS
    + "{{ ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
    r"{{ ' ' + message['content'][0]['text'] + '<\s>' }}{% endif %}{% endfor %}",
    "pixtral": "{{- bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "[INST]{% for part in message['content'] %}"
    "{{ part['text'] if part['type'] == 'text' else '[IMG]' }}{% endfor %}[/INST]"
    "{% else %}{{ message['content'][0]['text'] }}{{ eos_token }}{% endif %}{% endfor %}",
    "interleave": "{% for message in messages %}{{'<|im_start|>' + message['role'] + ' '}}"
    + _IMAGES_FIRST.replace("<image>\n", "<image>")
    + _TEXTS.replace("part['text']", "'\n' + part['text']")
    + "{{'<|im_end|>'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}",
    "granite": "{% for message in messages %}{{'<|' + message['role'] + '|>\n'}}"
    + _IMAGES_FIRST
    + _TEXTS
    + "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}",
    "internvl": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{{'<|im_end|>\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}",
    "smolvlm": "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}"
    "{{ line['text'] if line['type'] == 'text' else '<image>' }}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}",
    "qwen3": "{% for message in messages %}{{- '<|im_start|>' + message.role + '\n' }}"
    "{%- for part in message.content %}{%- if part.type == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{%- else %}{{- part.text }}{%- endif %}"
    "{%- endfor %}{{- '<|im_end|>\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}",
    "words only": "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}"
    "{% endfor %}",
}
"""Chat templates of published checkpoints, shortened, by a name for them."""


def write_config_folder(
    folder: Path,
    model_type: str,
    template: str = "",
    *,
    place: str = "chat_template.jinja",
    card: str = "",
    **more: Any,
) -> Path:
    """Write a folder.

    Args:
        folder: to be made.
        model_type: of its config.
        template: a name in `TEMPLATES`, or "" for none.
        place: name of the file that holds the template.
        card: the text of its model card.
        more: further keys of the config.
    """
    folder.mkdir(parents=True)
    config = {"model_type": model_type, **more}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tokens: dict[str, Any] = {"bos_token": "<s>", "eos_token": {"content": "</s>"}}
    if template and place == "chat_template.jinja":
        (folder / place).write_text(TEMPLATES[template], encoding="utf-8")
    elif template:
        content = tokens if place == "tokenizer_config.json" else {}
        content["chat_template"] = TEMPLATES[template]
        (folder / place).write_text(json.dumps(content), encoding="utf-8")
    if place != "tokenizer_config.json":
        (folder / "tokenizer_config.json").write_text(json.dumps(tokens), encoding="utf-8")
    if card:
        (folder / "README.md").write_text(card, encoding="utf-8")
    return folder
