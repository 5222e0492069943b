"""BLIP-2: captions and questions over a frozen language model, OPT or Flan-T5; no regions.

Prompts, from https://github.com/salesforce/LAVIS (examples/blip2_instructed_generation.ipynb) and
transformers/models/blip_2 (5.23): a caption is asked for with no text or with its beginning ("a
photo of"); a question is "Question: ... Answer:". The processor puts the image's 32 tokens first,
so no placeholder is written.

A conversation is one text. LAVIS and the Space hysts/BLIP2 differ in how they join it. We follow
the Space: turns are joined by one blank, and an answer without final punctuation gets a full stop.
LAVIS adds one to every answer, and begins even the first question with a blank.

OPT is given the beginning of a caption as the beginning of its answer. Flan-T5 has an encoder and a
decoder: the beginning is the question, and the answer continues it without repeating it.

Flan-T5 reads 512 tokens, OPT 2048; the oldest turns are left out so that the rest fits. OPT often
goes on to ask itself a question, so it is stopped there (upstream shows the question).
"""

import string
from dataclasses import replace

from vlm_demo.prompting.architecture import ONE_AT_A_TIME
from vlm_demo.prompting.family import Family, FamilyLimits
from vlm_demo.values import Message, Request, Sampling, Task

IMAGE_TOKENS = 32
"""Query tokens that stand for the image."""

CHARACTERS_PER_TOKEN = 3
"""A low estimate of the characters in a token: English has more than four in both vocabularies.

For scripts that need more tokens, the engine still refuses what does not fit.
"""

QUESTION = "Question: {text} Answer:"


class Blip2(Family):
    """Keeps conversations short enough for the language model."""

    def _visible_turns(self, request: Request) -> tuple[Message, ...]:
        """Leave out the oldest turns that do not fit; their image stays."""
        *past, question = super()._visible_turns(request)
        room = self._room() - _length(replace(question, text=request.text))
        kept = [question]
        for turn in reversed(past):
            room -= _length(turn)
            if room < 0:
                break
            kept.append(turn)
        if len(kept) > 1 and kept[-1].role == "assistant":
            kept.pop()  # its question was left out
        pictures = tuple(image for turn in (*past, question) for image in turn.images)
        first, *rest = (replace(turn, images=()) for turn in reversed(kept))
        return (replace(first, images=pictures), *rest)

    def _room(self) -> int:
        """Return how many characters the image and the answer leave for words."""
        tokens = (self.limits.context or 0) - IMAGE_TOKENS - self.sampling.max_new_tokens
        return tokens * CHARACTERS_PER_TOKEN

    def _strip_past_answer(self, turn: Message) -> Message:
        turn = super()._strip_past_answer(turn)
        if turn.role == "assistant" and turn.text and turn.text[-1] not in string.punctuation:
            return replace(turn, text=f"{turn.text}.")
        return turn


def _length(turn: Message) -> int:
    """Return how many characters a turn takes in the text of the conversation."""
    around = QUESTION.replace("{text}", "") if turn.role == "user" else ""
    return len(f"{around}{turn.text} ")


CHAT_TEMPLATE = (
    "{% for message in messages %}{% set text = message['content'][-1]['text'] %}"
    "{% if loop.last %}{{ text }}"
    "{% elif message['role'] == 'user' %}Question: {{ text }} Answer: "
    "{% else %}{{ text }} {% endif %}"
    "{% endfor %}"
)

FAMILY = Blip2(
    name="blip2",
    title="BLIP-2 OPT",
    model_types={"blip-2": ONE_AT_A_TIME},
    checkpoints=("Salesforce/blip2-opt-2.7b", "Salesforce/blip2-opt-6.7b"),
    instructions={
        Task.CHAT: QUESTION,
        Task.CAPTION: "",
        Task.VQA: QUESTION,
        Task.DESCRIBE_REGION: "Question: What is inside {text}? Answer:",
    },
    chat_template=CHAT_TEMPLATE,
    stop=("Question:",),  # OPT goes on asking itself
    end_markers=("</s>",),
    prefix_separator="",
    sampling=Sampling(max_new_tokens=64),
    limits=FamilyLimits(context=2048, chats_without_image=False),
    control_tokens=("<image>", "<s>", "</s>", "<pad>", "<unk>", "<mask>"),
)

RELATIVES = (
    replace(
        FAMILY,
        name="blip2_t5",
        title="BLIP-2 Flan-T5",
        checkpoints=("Salesforce/blip2-flan-t5-xl", "Salesforce/blip2-flan-t5-xxl"),
        instructions={**FAMILY.instructions, Task.CAPTION: "{text}"},
        prefix_separator=None,
        limits=FamilyLimits(context=512, chats_without_image=False),
        control_tokens=("<image>", "</s>", "<pad>", "<unk>"),
    ),
)
