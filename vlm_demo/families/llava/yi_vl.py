"""Yi-VL: a chat model for English and Chinese without a documented markup for regions.

Prompt and system text: ms-swift's template for Yi-VL (swift/llm/template, 4.6), after `mm_default`
of https://github.com/01-ai/Yi/tree/main/VL; answers stop at `###`. One image.

Regions: asked as in https://github.com/01-ai/Yi/issues/376, it answers with fractions in brackets.
The issue does not say what they refer to; we take the padded square, since the images are padded.

Its own code is a LLaVA with more layer norms, which transformers does not have. Folders that
`vlm-demo convert` makes run here, with a class of this program; one token
`<image_placeholder>` stands for the picture.
"""

from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import SQUARE
from vlm_demo.prompting.architecture import Architecture
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.images.padding import pad_to_square
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Task

SYSTEM = (
    "This is a chat between an inquisitive human and an AI assistant. Assume the role of the AI "
    "assistant. Read all the images carefully, and respond to the human's questions with "
    "informative, helpful, detailed and polite answers. "
    "这是一个好奇的人类和一个人工智能助手之间的对话。假设你扮演这个AI助手的角色。"
    "仔细阅读所有的图像\uff0c并对人类的问题做出信息丰富、有帮助、详细的和礼貌的回答。"
)

TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'user' %}### Human: "
    "{% for part in message['content'] if part['type'] == 'image' %}"
    "{{ '<image_placeholder>\n' }}{% endfor %}"
    "{{ text ~ '\n### Assistant:' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' ~ text ~ '\n' }}"
    "{% else %}{{ text ~ '\n\n' }}{% endif %}{% endfor %}"
)

FAMILY = Family(
    name="yi_vl",
    title="Yi-VL",
    model_types={"yi_vl": Architecture(position_ids="plain")},
    checkpoints=("01-ai/Yi-VL-6B", "01-ai/Yi-VL-34B"),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.VQA: "{text}\nAnswer the question using a single word or phrase.",
        Task.GROUNDING: "Given the image, provide the bounding box coordinate of the region this "
        "sentence describes:\n{text}",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    markup=Brackets().markup(SQUARE),
    system=SYSTEM,
    chat_template=TEMPLATE,
    prepare_image=pad_to_square,
    stop=("###",),
    end_markers=("\n###", "###", "<|im_end|>", "<|endoftext|>"),
    control_tokens=(
        *("<image_placeholder>", "<image>", "<|im_start|>", "<|im_end|>"),
        *("<|startoftext|>", "<|endoftext|>", "<unk>"),
    ),
)
