"""CogVLM and CogAgent: chat models and a grounding model, with the same brackets and three prompts.

Prompts: https://github.com/zai-org/CogVLM (read at f7283b2), utils/utils/language.py; the README
says which checkpoint takes which. `<EOI>` stands for the end of the image, which comes first.
`chat_old` is for cogvlm-chat and cogagent-vqa, `chat` for cogagent-chat, and `base`, without
earlier turns, for cogvlm-grounding-generalist. Short answers of cogvlm-chat use `vqa`, where a
question stands alone too.

Wording: utils/utils/template.py and the README ("(with grounding)" for CogAgent); the card's
"Describe this image". Markup (utils/utils/grounding_parser.py), thousandths of the image:

    A man [[120,050,480,930]] and dogs [[100,100,200,200;300,300,400,400]]

always three digits, without blanks. As upstream, a box with decimals is dropped; one with blanks is
read, unlike there (house rule H13). Two numbers crash upstream's reader (issue #534); here they are
a point. No phrase is marked: upstream takes the noun chunk before the bracket, we take the words.

The maintainers say that cogvlm-chat does not take boxes (discussion #421), and the README has
another checkpoint for finding things, so it is asked for neither.

Runs on the code of its repositories on the Hub (remote code), not in transformers.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from vlm_demo.markup.brackets import Brackets
from vlm_demo.markup.coordinate_spaces import N1000
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.prompting.regions.region_wording import DESCRIBE_MARKED_REGION
from vlm_demo.prompting.request_checks import MAX_CHARACTERS
from vlm_demo.values import Prompt, Request, Task

_IMAGE = (
    "{% for part in message['content'] if part['type'] == 'image' %}<EOI>{% endfor %}"
    "{% set text = message['content'][-1]['text'] %}"
)

CHAT_OLD = (
    f"{{% for message in messages %}}{_IMAGE}"
    "{% if message['role'] == 'user' %}Question: {{ text }} Answer:"
    "{% else %}{{ ' ' ~ text ~ '\n' }}{% endif %}{% endfor %}"
)

CHAT = (
    f"{{% for message in messages %}}{_IMAGE}"
    "{% if message['role'] == 'user' %}{{ ' [INST] ' ~ text ~ ' [/INST] ' }}"
    "{% else %}{{ text }}{% endif %}{% endfor %}"
)

BASE = f"{{% for message in messages %}}{_IMAGE}{{{{ text }}}}{{% endfor %}}"

SHORT_ANSWER = (
    f"{{% for message in messages %}}{_IMAGE}Question: {{{{ text }}}} Short answer:{{% endfor %}}"
)


@dataclass(frozen=True, kw_only=True)
class CogVlm(Family):
    """A family whose short answers may have a template of their own."""

    short_answer_template: str | None = None
    """The template for VQA, in which each question stands alone; None: the usual one."""

    def prompt(
        self,
        request: Request,
        *,
        control_tokens: Collection[str] = (),
        max_characters: int = MAX_CHARACTERS,
    ) -> Prompt:
        family: Family = self
        if request.task is Task.VQA and self.short_answer_template:
            family = replace(
                self,
                chat_template=self.short_answer_template,
                short_answer_template=None,
                limits=replace(self.limits, history="none"),
            )
        return Family.prompt(
            family, request, control_tokens=control_tokens, max_characters=max_characters
        )


FAMILY = CogVlm(
    name="cogvlm",
    title="CogVLM",
    model_types={},
    checkpoints=("zai-org/cogvlm-chat-hf", "THUDM/cogvlm-chat-hf"),
    instructions={
        Task.CHAT: "{text}",
        Task.CAPTION: "Describe this image in one sentence.",
        Task.DETAILED_CAPTION: "Describe this image",
        Task.VQA: "{text}",
        Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
    },
    markup=Brackets(
        digits=3,
        number_separator=",",
        region_separator=";",
        double_brackets=True,
        reads_points=True,
        strict_integers=True,
    ).markup(N1000),
    chat_template=CHAT_OLD,
    short_answer_template=SHORT_ANSWER,
    end_markers=("</s>",),
    limits=FamilyLimits(context=2048, chats_without_image=False),
    control_tokens=("<EOI>", "<image>", "<s>", "</s>", "<unk>", "[INST]", "[/INST]"),
)

_REGION = "Tell me what you see within the designated area {region} in the picture."

RELATIVES = (
    replace(
        FAMILY,
        name="cogvlm_grounding",
        title="CogVLM grounding",
        checkpoints=(
            "zai-org/cogvlm-grounding-generalist-hf",
            "THUDM/cogvlm-grounding-generalist-hf",
        ),
        instructions={
            Task.CHAT: "{text}",
            Task.GROUNDED_CAPTION: "Can you provide a description of the image and include the "
            "coordinates [[x0,y0,x1,y1]] for each mentioned object?",
            Task.GROUNDING: "Where is {text}? answer in [[x0,y0,x1,y1]] format.",
            Task.DESCRIBE_REGION: _REGION,
        },
        region_template="{region}",
        chat_template=BASE,
        short_answer_template=None,
        limits=replace(FAMILY.limits, history="none"),
    ),
    replace(
        FAMILY,
        name="cogagent_chat",
        title="CogAgent",
        checkpoints=("zai-org/cogagent-chat-hf", "THUDM/cogagent-chat-hf"),
        instructions={
            Task.CHAT: "{text}",
            Task.CAPTION: "Describe this image in one sentence.",
            Task.DETAILED_CAPTION: "Describe this image",
            Task.GROUNDING: "Where is {text}? (with grounding)",
            Task.DESCRIBE_REGION: _REGION,
        },
        region_template="{region}",
        chat_template=CHAT,
        short_answer_template=None,
        prefix_separator="",
    ),
    replace(
        FAMILY,
        name="cogagent_vqa",
        title="CogAgent VQA",
        checkpoints=("zai-org/cogagent-vqa-hf", "THUDM/cogagent-vqa-hf"),
        instructions={
            Task.CHAT: "{text}",
            Task.VQA: "{text}",
            Task.DESCRIBE_REGION: DESCRIBE_MARKED_REGION,
        },
        short_answer_template=None,
    ),
)
