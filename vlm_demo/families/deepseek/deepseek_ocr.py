"""DeepSeek-OCR, 1 and 2: turn pages into Markdown and say where each block is.

    <|ref|>title<|/ref|><|det|>[[330, 198, 558, 230]]<|/det|>
    # R&D QUALITY

Numbers from 0 to 999 over the image, divided by 999 (run_dpsk_ocr_image.py of
https://github.com/deepseek-ai/DeepSeek-OCR, read at e4ac34e, which hands them to `eval`). `<|ref|>`
holds what a block is, or the words that were looked for; its text follows.

Prompts: DeepSeek-OCR-vllm/config.py there; more of them can be typed in a chat ("Parse the
figure."). One sentence is asked for in the same manner; that wording is ours. The prompt is plain
text without roles, each question stands alone, and special tokens must be decoded
(docs/source/en/model_doc/deepseek_ocr2.md of https://github.com/huggingface/transformers). The
checkpoints under deepseek-ai run on code of their own, or on vLLM.
"""

from vlm_demo.markup.coordinate_spaces import N999
from vlm_demo.markup.reference_tags import REFERENCES, write_lists
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.values import Sampling, Task

_BAR = "\N{FULLWIDTH VERTICAL LINE}"
_END = f"<{_BAR}end▁of▁sentence{_BAR}>"

TEMPLATE = (
    "{% for part in messages[-1]['content'] %}"
    "{{ part['text'] if part['type'] == 'text' else '<image>\n' }}{% endfor %}"
)

FAMILY = Family(
    name="deepseek_ocr",
    title="DeepSeek-OCR",
    model_types={"deepseek_ocr2": ONE_AT_A_TIME},
    checkpoints=(
        "deepseek-community/DeepSeek-OCR-2",
        "deepseek-ai/DeepSeek-OCR-2",
        "deepseek-ai/DeepSeek-OCR",
    ),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image in detail.",
        Task.GROUNDING: "Locate <|ref|>{text}<|/ref|> in the image.",
        Task.READ: "<|grounding|>Convert the document to markdown.",
    },
    markup=REFERENCES.make_markup(write_lists, N999),
    chat_template=TEMPLATE,
    keep_special_tokens=True,
    markup_tokens=("<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>"),
    end_markers=(_END, "<|end▁of▁sentence|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=4096),
    limits=FamilyLimits(history="none", chats_without_image=False),
    # Without the tags of the markup, which are in markup_tokens.
    control_tokens=(
        *("<image>", "<|grounding|>", "<|User|>", "<|Assistant|>"),
        *(_END, f"<{_BAR}begin▁of▁sentence{_BAR}>", f"<{_BAR}▁pad▁{_BAR}>"),
    ),
)
