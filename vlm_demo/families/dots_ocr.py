"""dots.ocr: reads pages of documents as a list of their elements, with boxes.

    [{"bbox": [100, 50, 200, 100], "category": "Title", "text": "# Hello"}, ...]

Numbers count pixels of the picture after `smart_resize`, and boxes in questions do, too
(`post_process_cells` in dots_ocr/utils/layout_utils.py of
https://github.com/rednote-hilab/dots.ocr, read at 36d7248), so the picture is resized here, within
the limits of the same repository. A phrase is the category of its element.

Prompts: `prompt_layout_all_en`, `prompt_grounding_ocr` and `prompt_ocr` in
dots_ocr/utils/prompts.py there; any other can be typed in a chat. Template:
swift/template/templates/dots.py of https://github.com/modelscope/ms-swift (4.6). It runs on code of
its own, or on vLLM.
"""

from PIL.Image import Image, Resampling

from vlm_demo.markup.base import Markup
from vlm_demo.markup.coordinate_spaces import SEEN_PIXELS
from vlm_demo.markup.json_markup import json_writer
from vlm_demo.markup.layout_json import LayoutKeys, layout_reader
from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.images.patch_sizes import fit_patches
from vlm_demo.values import Frame, Request, Sampling, Task, bounding_box

PATCH = 28
"""Side of a patch in pixels, four of the vision tower's together."""

MIN_PIXELS = 3136
"""Smallest area of a resized image in pixels."""

MAX_PIXELS = 11_289_600
"""Largest area of a resized image in pixels."""

LAYOUT_PROMPT = """\
Please output the layout information from the PDF image, including each layout element's bbox, \
its category, and the corresponding text content within the bbox.

1. Bbox format: [x1, y1, x2, y2]

2. Layout Categories: The possible categories are ['Caption', 'Footnote', 'Formula', 'List-item', \
'Page-footer', 'Page-header', 'Picture', 'Section-header', 'Table', 'Text', 'Title'].

3. Text Extraction & Formatting Rules:
    - Picture: For the 'Picture' category, the text field should be omitted.
    - Formula: Format its text as LaTeX.
    - Table: Format its text as HTML.
    - All Others (Text, Title, etc.): Format their text as Markdown.

4. Constraints:
    - The output text must be the original text from the image, with no translation.
    - All layout elements must be sorted according to human reading order.

5. Final Output: The entire output must be a single JSON object.
"""
"""The question for all elements of a page, word for word as the model was trained on it."""


def resize(image: Image) -> Image:
    """Resize the image to the size at which its pixels are counted."""
    size = fit_patches(image.size, patch=PATCH, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS)
    return image.convert("RGB").resize(size, Resampling.BICUBIC)


TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if loop.first and message['role'] == 'user' %}<|user|>{% endif %}"
    "{{ part['text'] if part['type'] == 'text' else '<|img|><|imgpad|><|endofimg|>' }}"
    "{% endfor %}{{ '<|endofuser|><|assistant|>' if message['role'] == 'user' else "
    "'<|endofassistant|>' }}{% endfor %}"
)


class DotsOcr(Family):
    """Names the region of a question by its numbers alone, where answers have a key for them."""

    def _fill_instruction(self, instruction: str, request: Request, frame: Frame | None) -> str:
        if "{region}" in instruction and frame:
            numbers = SEEN_PIXELS.to_numbers(bounding_box(request.regions[0]), frame)
            instruction = instruction.replace("{region}", str(list(map(round, numbers))))
        return super()._fill_instruction(instruction, request, frame)


FAMILY = DotsOcr(
    name="dots_ocr",
    title="dots.ocr",
    model_types={"dots_ocr": ONE_AT_A_TIME},
    checkpoints=("rednote-hilab/dots.ocr",),
    instructions={
        Task.CHAT: "{text}",
        Task.DESCRIBE_REGION: "Extract text from the given bounding box on the image (format: "
        "[x1, y1, x2, y2]).\nBounding Box:\n{region}",
        Task.READ: LAYOUT_PROMPT,
    },
    markup=Markup(
        layout_reader(LayoutKeys(box="bbox", text="text", label="category")),
        json_writer("bbox"),
        SEEN_PIXELS,
        reads_json=True,
    ),
    prepare_image=resize,
    documented_template=TEMPLATE,
    end_markers=("<|endofassistant|>", "<|endoftext|>"),
    prefix_separator=None,
    sampling=Sampling(max_new_tokens=8192, temperature=0.1, top_p=0.9),
    limits=FamilyLimits(history="none", longest_side=4_096, chats_without_image=False),
    control_tokens=(
        *("<|user|>", "<|endofuser|>", "<|assistant|>", "<|endofassistant|>", "<|system|>"),
        *("<|endofsystem|>", "<|img|>", "<|imgpad|>", "<|endofimg|>", "<|endoftext|>"),
    ),
)
