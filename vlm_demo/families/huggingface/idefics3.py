"""Idefics3: a chat model on Llama 3 that reads several images; no markup for regions.

Template: processor_config.json of https://huggingface.co/HuggingFaceM4/Idefics3-8B-Llama3. A turn
that begins with an image has no blank after its role, one that begins with words has one. Decoding
the whole sequence leaves "Assistant:" before the answer.

Wording: "Give a very brief answer." is what VLMEvalKit (vlmeval/vlm/idefics.py) adds to short
questions; for captions none is published, so they are asked for in plain words.
"""

from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.image_resolutions import tile_resolutions
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Task

TURNS = (
    "{% for message in messages %}"
    "{{ message['role'] | capitalize }}:"
    "{{ ' ' if message['content'][0]['type'] == 'text' }}"
    "{% for part in message['content'] %}"
    "{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "{{ '<end_of_utterance>\n' }}{% endfor %}Assistant:"
)
"""A template of the conversation, without the token that begins it."""

FAMILY = Family(
    name="idefics3",
    title="Idefics3",
    model_types={"idefics3": Architecture(position_ids="plain", cuda_graphs=True)},
    checkpoints=("HuggingFaceM4/Idefics3-8B-Llama3",),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text}\nGive a very brief answer.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    documented_template=f"<|begin_of_text|>{TURNS}",
    end_markers=("<end_of_utterance>", "<|end_of_text|>", "<|eot_id|>"),
    resolutions=tile_resolutions(1, 2, 3, 4, 5, tile=364, tile_tokens=169),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"),
        *("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"),
        *("<|start_header_id|>", "<|end_header_id|>"),
        *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
    ),
)
