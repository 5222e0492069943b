"""Japanese Stable VLM: captions and questions in Japanese, each on its own; no regions.

Prompts: `build_prompt` on the card of https://huggingface.co/stabilityai/japanese-stable-vlm. The
card has one instruction a task, and the user's words are its input. Its third task, a caption made
of given words ("与えられた単語を使って、画像を詳細に述べてください。", the words joined with "、"),
has no counterpart here. The image is given beside the text, so nothing stands for it. Sampling: the
card's, without its five beams.

Runs on code from the Hub, or here once `vlm-demo convert` has made a folder of it. Where its code
puts the picture among the words is not documented; here it comes first.
"""

from vlm_demo.families.llava.llava15 import FAMILY as LLAVA15
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION_JAPANESE, JAPANESE
from vlm_demo.prompting.templates import BARE_TEXT
from vlm_demo.values import Sampling, Task

QUESTION = "与えられた画像を下に、質問に答えてください。\n\n### 入力: \n{text}"

TEMPLATE = (
    "以下は、タスクを説明する指示と、文脈のある入力の組み合わせです。"
    "要求を適切に満たす応答を書きなさい。"
    f"\n\n### 指示: \n{BARE_TEXT}{{{{ '\n\n### 応答: \n' }}}}"
)

CHAT_TEMPLATE = (
    "{% for part in messages[-1]['content'] if part['type'] == 'image' %}<image>{% endfor %}"
    + TEMPLATE
)
"""The same with a token for the picture, of which the processor makes as many as it has patches."""

FAMILY = Family(
    name="japanese_stable_vlm",
    title="Japanese Stable VLM",
    model_types=LLAVA15.model_types,
    checkpoints=("stabilityai/japanese-stable-vlm",),
    instructions={
        Task.CHAT: QUESTION,
        Task.CAPTION: "画像を詳細に述べてください。",
        Task.VQA: QUESTION,
        Task.DESCRIBE_REGION: QUESTION.replace("{text}", DESCRIBE_MARKED_REGION_JAPANESE),
    },
    region_wording=JAPANESE,
    chat_template=CHAT_TEMPLATE,
    documented_template=TEMPLATE,
    end_markers=("</s>",),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=128, repetition_penalty=1.5),
    limits=FamilyLimits(history="none", chats_without_image=False),
    control_tokens=("###", "<image>", "<s>", "</s>", "<unk>", "<pad>"),
)
