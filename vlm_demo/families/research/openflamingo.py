"""OpenFlamingo: learns from few-shot examples in the prompt; no regions.

Prompts: README of https://github.com/mlfoundations/open_flamingo and its evaluation of VQA: each
image is "<image>", each example ends with "<|endofchunk|>", a caption begins "An image of", and a
question is "Question:... Short answer:". The earlier turns of a conversation are the examples; one
without a question is a caption. Training showed at most six images at a time
(`--mmc4_max_num_images` of open_flamingo/train/train.py).

Runs on its own code (package open_flamingo), not in transformers.
"""

from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.values import Frame, Request, Task

QUESTION = "Question:{text} Short answer:"


class OpenFlamingo(Family):
    """Begins every caption, and shows the beginning with it."""

    def answer_prefix(self, request: Request, frame: Frame | None) -> str:
        if request.task is Task.CAPTION:
            return request.text.strip() or "An image of"
        return ""


TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% for part in message['content'] if part['type'] == 'image' %}<image>{% endfor %}"
    "{% if message['role'] == 'assistant' %}{{ text }}<|endofchunk|>"
    "{% elif loop.last or not text %}{{ text }}"
    "{% else %}Question:{{ text }} Short answer:{% endif %}"
    "{% endfor %}"
)

FAMILY = OpenFlamingo(
    name="openflamingo",
    title="OpenFlamingo",
    model_types={},
    checkpoints=(
        "openflamingo/OpenFlamingo-3B-vitl-mpt1b",
        "openflamingo/OpenFlamingo-3B-vitl-mpt1b-langinstruct",
        "openflamingo/OpenFlamingo-4B-vitl-rpj3b",
        "openflamingo/OpenFlamingo-4B-vitl-rpj3b-langinstruct",
        "openflamingo/OpenFlamingo-9B-vitl-mpt7b",
    ),
    instructions={
        Task.CHAT: QUESTION,
        Task.CAPTION: "",
        Task.VQA: QUESTION,
        Task.DESCRIBE_REGION: "Question:What is inside {text}? Short answer:",
    },
    documented_template=TEMPLATE,
    end_markers=("<|endofchunk|>", "<|endoftext|>", "</s>"),
    limits=FamilyLimits(max_images=6, chats_without_image=False),
    control_tokens=("<image>", "<|endofchunk|>", "<|endoftext|>", "<PAD>"),
)
