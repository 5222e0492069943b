"""LLaVA-OneVision: chat models on Qwen2 without a documented markup for regions.

Template: chat_template.json of llava-hf/llava-onevision-qwen2-7b-ov-hf on https://huggingface.co
(also in tests/models/llava_onevision of transformers): ChatML with a blank after the role, the
images, and the words on a line of their own; no newline after "<|im_end|>". The wordings for one
sentence and for short answers are LLaVA's own (docs/Evaluation.md and the training data of
https://github.com/haotian-liu/LLaVA), which these checkpoints were trained on too.
"""

from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Task

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }} "
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else '\n' + part['text'] }}{% endfor %}"
    "<|im_end|>{% endfor %}{{ '<|im_start|>assistant\n' }}"
)

FAMILY = Family(
    name="llava_onevision",
    title="LLaVA-OneVision",
    model_types={
        "llava_onevision": Architecture(
            position_ids="plain", cuda_graphs=True, film_input="untimed"
        )
    },
    checkpoints=tuple(
        f"llava-hf/llava-onevision-qwen2-{variant}-hf"
        for variant in (
            *("0.5b-si", "0.5b-ov", "7b-si", "7b-ov", "7b-ov-chat"),
            *("72b-si", "72b-ov", "72b-ov-chat"),
        )
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Provide a one-sentence caption for the provided image.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    documented_template=TEMPLATE,
    end_markers=("<|im_end|>", "<|endoftext|>"),
    prefix_separator="",
    limits=FamilyLimits(max_images=4),
    control_tokens=("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<image>", "<video>"),
)
