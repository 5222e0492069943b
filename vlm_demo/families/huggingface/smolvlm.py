"""SmolVLM: small chat models without a markup for regions.

Template: the checkpoints' own, "<|im_start|>User:<image>...<end_of_utterance>" and on the next line
"Assistant:". A turn that begins with an image has no blank after its role, one that begins with
words has one. SmolVLM-Instruct (the first, 2.2B) has `model_type` idefics3, so it is recognized by
its name. Decoding the whole sequence leaves "Assistant:" before the answer. Cards:
SmolVLM-256M-Instruct, -500M-Instruct, SmolVLM-Instruct and SmolVLM2-2.2B-Instruct under
https://huggingface.co/HuggingFaceTB.

Wording: "Can you describe this image?" is the cards' example; "Give a very brief answer." is what
VLMEvalKit (vlmeval/vlm/smolvlm.py) adds to short questions. For one sentence no wording is
published, so it is asked for in plain words.
"""

from vlm_demo.families.huggingface.idefics3 import FAMILY as IDEFICS3
from vlm_demo.families.huggingface.idefics3 import TURNS
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.image_resolutions import tile_resolutions
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Task

TEMPLATE = f"<|im_start|>{TURNS}"

FAMILY = Family(
    name="smolvlm",
    title="SmolVLM",
    model_types={
        "smolvlm": Architecture(position_ids="plain", cuda_graphs=True, film_input="timed"),
        **IDEFICS3.model_types,
    },
    checkpoints=(
        "HuggingFaceTB/SmolVLM-256M-Instruct",
        "HuggingFaceTB/SmolVLM-500M-Instruct",
        "HuggingFaceTB/SmolVLM2-256M-Video-Instruct",
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct",
        "HuggingFaceTB/SmolVLM-Instruct",
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Can you describe this image?",
        Task.VQA: "{text}\nGive a very brief answer.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    documented_template=TEMPLATE,
    end_markers=("<end_of_utterance>", "<|im_end|>"),
    resolutions=tile_resolutions(1, 2, 3, 4, tile=512, tile_tokens=64),
    limits=FamilyLimits(max_images=4),
    control_tokens=(
        *("<image>", "<fake_token_around_image>", "<global-img>", "<video>"),
        *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<end_of_utterance>"),
        *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
    ),
)
