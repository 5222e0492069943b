"""Multimodal-GPT: OpenFlamingo-9B tuned to follow instructions; no regions.

Prompts, from https://github.com/open-mmlab/Multimodal-GPT: `PromptGenerator` of app.py for the
conversation and its sampling, mmgpt/datasets/coco_caption_dataset.py for the wording of captions.
A short answer is asked for by the bare question, as in its VQA data (vqa_dataset.py).

The answer is what stands after the last "### Response:", as app.py reads it. In training it ended
with "### End."; whatever follows "###" is left out.

Runs on its own code with weights of the first LLaMA, not in transformers.
"""

from vlm_demo.markup.base import Span
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.values import Prompt, Sampling, Task

RESPONSE = "### Response:"


class MultimodalGpt(Family):
    """Leaves out the conversation that an output may begin with."""

    def _answer_span(self, raw: str, prompt: Prompt) -> Span:
        at = raw.rfind(RESPONSE)
        before = at + len(RESPONSE) if at >= 0 else 0
        start, end = super()._answer_span(raw[before:], prompt)
        return before + start, before + end


TEMPLATE = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request."
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'assistant' %}{{ text }}"
    "{% else %}"
    "{% for part in message['content'] if part['type'] == 'image' %}"
    "{{ '\n\n### Image:\n<image>' }}{% endfor %}"
    "{{ '\n\n### Instruction:\n' + text + '\n\n### Response:\n' }}{% endif %}"
    "{% endfor %}"
)

FAMILY = MultimodalGpt(
    name="multimodal_gpt",
    title="Multimodal-GPT",
    model_types={},
    checkpoints=(),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "What would be a fitting caption for this image?",
        Task.DETAILED_CAPTION: "Can you give a detailed account of the image's contents?",
        Task.VQA: "{text}",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    documented_template=TEMPLATE,
    end_markers=("###", "<|endofchunk|>", "</s>"),
    prefix_separator="",
    sampling=Sampling(temperature=1.0, top_k=20),
    control_tokens=("###", "<image>", "<|endofchunk|>", "<s>", "</s>", "<unk>"),
)
