"""GPT4RoI: answers questions about regions that it is given as features, not as text.

Source: https://github.com/jshilong/GPT4RoI (README and gpt4roi/). A question names its regions
`<region1>`, `<region2>`; the project's code rewrites them to `region1 <bbox>` and puts the features
of the drawn boxes in place of `<bbox>`. There is no way to write a region as text, and no general
server takes such features, so nobody can ask about regions here. Answers name regions in the same
way and hold no coordinates. The conversation is that of Vicuna's first version.

Released as weight differences to LLaMA-7B, which have to be merged; runs only on its own code.
"""

from vlm_demo.errors import UnsupportedTaskError
from vlm_demo.prompting.family import Family
from vlm_demo.prompting.request_checks import MAX_CHARACTERS
from vlm_demo.values import Request, Task

TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if message['role'] == 'user' %}###Human: "
    "{% for part in message['content'] if part['type'] == 'image' %}"
    "{{ 'The <image> provides an overview of the picture.\n' }}{% endfor %}"
    "{{ text }}###Assistant:"
    "{% elif message['role'] == 'assistant' %} {{ text }}"
    "{% else %}{{ text }}{% endif %}{% endfor %}"
)


class Gpt4Roi(Family):
    """Says why a model made for regions cannot be asked about one."""

    def check(self, request: Request, *, max_characters: int = MAX_CHARACTERS) -> None:
        if request.task is Task.DESCRIBE_REGION:
            raise UnsupportedTaskError(
                "{title} models take regions as image features, which only their own code can "
                "compute. Choose another model for regions.",
                title=self.title,
            )
        super().check(request, max_characters=max_characters)


FAMILY = Gpt4Roi(
    name="gpt4roi",
    title="GPT4RoI",
    model_types={},
    checkpoints=("shilongz/GPT4RoI-7B-delta-V0",),
    instructions={Task.CHAT: "{text}"},
    system="A chat between a curious human and an artificial intelligence assistant. The "
    "assistant gives helpful, detailed, and polite answers to the human's questions.",
    documented_template=TEMPLATE,
    end_markers=("###", "</s>"),
    control_tokens=("<image>", "<bbox>", "<im_start>", "<im_patch>", "<im_end>", "<s>", "</s>"),
)
