"""Gemma 3n: a small chat model for text, pictures and sound; no places are documented.

Template: Gemma 3's, with `<image_soft_token>` for a picture (prompt of vLLM's example,
examples/offline_inference/vision_language.py of https://github.com/vllm-project/vllm, 2026, which
leaves `<bos>` to the tokenizer). The wordings are ours. Sampling: as Gemma 3's. Its vision tower
needs timm.
"""

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Sampling, Task

TEMPLATE = (
    "<bos>{% for message in messages %}{% if message['role'] != 'system' %}"
    "<start_of_turn>{{ 'model\n' if message['role'] == 'assistant' else 'user\n' }}"
    "{% if loop.index0 == 1 and messages[0]['role'] == 'system' %}"
    "{{ messages[0]['content'][-1]['text'] + '\n\n' }}{% endif %}"
    "{% for part in message['content'] %}"
    "{{ '<image_soft_token>' if part['type'] == 'image' else part['text'] | trim }}{% endfor %}"
    "{{ '<end_of_turn>\n' }}{% endif %}{% endfor %}{{ '<start_of_turn>model\n' }}"
)

FAMILY = Family(
    name="gemma3n",
    title="Gemma 3n",
    model_types={"gemma3n": ONE_AT_A_TIME},
    checkpoints=("google/gemma-3n-E2B-it", "google/gemma-3n-E4B-it"),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text}\nAnswer with a single word or phrase.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
        Task.READ: "Read all the text in the image.",
    },
    documented_template=TEMPLATE,
    end_markers=("<end_of_turn>", "<eos>"),
    prefix_separator="",
    sampling=Sampling(temperature=1.0, top_p=0.95, top_k=64),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<bos>", "<eos>", "<pad>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
        *("<start_of_image>", "<end_of_image>", "<image_soft_token>", "<start_of_audio>"),
        *("<end_of_audio>", "<audio_soft_token>"),
    ),
)
