"""DeepSeek-VL: chat models of 1.3B and 7B, in English and Chinese, without a markup for regions.

Prompt: https://github.com/deepseek-ai/DeepSeek-VL (README.md) and the template of the conversions
deepseek-community/deepseek-vl-1.3b-chat and -7b-chat on https://huggingface.co. The 7B model sees
each image twice, small and large (`deepseek_vl_hybrid`). The first checkpoints, under deepseek-ai,
run on that repository's own code.

Wording: no instruction for a task is published; these are ours.
"""

from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Task

_BAR = "\N{FULLWIDTH VERTICAL LINE}"
_END = f"<{_BAR}end▁of▁sentence{_BAR}>"

DOCUMENTED_TEMPLATE = (
    "You are a helpful language and vision assistant. You are able to understand the visual "
    "content that the user provides, and assist the user with a variety of tasks using natural "
    "language."
    "{{ '\n\n' }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}User: "
    "{% elif message['role'] == 'assistant' %}Assistant: {% endif %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image_placeholder>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}"
    "{% if message['role'] == 'assistant' %}" + _END + "{% else %}{{ '\n\n' }}{% endif %}"
    "{% endfor %}"
    "Assistant:"
)

FAMILY = Family(
    name="deepseek_vl",
    title="DeepSeek-VL",
    model_types={
        "deepseek_vl": Architecture(position_ids="plain", cuda_graphs=True),
        "deepseek_vl_hybrid": Architecture(position_ids="plain"),
    },
    checkpoints=(
        "deepseek-community/deepseek-vl-1.3b-chat",
        "deepseek-community/deepseek-vl-7b-chat",
        "deepseek-ai/deepseek-vl-1.3b-chat",
        "deepseek-ai/deepseek-vl-7b-chat",
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    documented_template=DOCUMENTED_TEMPLATE,
    end_markers=(_END,),
    limits=FamilyLimits(max_images=4, longest_side=1_024),
    control_tokens=(
        *(_END, f"<{_BAR}begin▁of▁sentence{_BAR}>", f"<{_BAR}▁pad▁{_BAR}>"),
        "<image_placeholder>",
    ),
)
