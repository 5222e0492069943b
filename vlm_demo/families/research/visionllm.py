"""VisionLLM: announced with a paper; neither code nor weights were released.

Paper: https://arxiv.org/abs/2305.11175; https://github.com/OpenGVLab/VisionLLM. It answers with
class tokens (`<c0>`) and location tokens (`<p-512>` to `<p512>`) that are offsets from an anchor;
issue #3 of the repository asks how offsets become regions and has no answer. So nobody can ask the
model, and nothing is read from those tokens: they are left out of the text, and the answer counts
as unreadable. VisionLLM v2 leaves boxes to decoders of its own; its text holds none.
"""

import re
from dataclasses import replace

from vlm_demo.markup.clean_text import CleanText
from vlm_demo.prompting.family import Family
from vlm_demo.translatable_text import message
from vlm_demo.values import Prompt, Reply, ReplyState

_TOKEN = re.compile(r"<(?:c[0-9]+|p-?[0-9]+|cls|[xy][12])>")
_BEGUN = re.compile(r"<(?:c[0-9]*|cls?|p-?[0-9]*|[xy][12]?)?\Z")


class VisionLlm(Family):
    """Leaves out tokens whose meaning was never published."""

    def reply(self, raw: str, prompt: Prompt) -> Reply:
        reply = super().reply(raw, prompt)
        pieces, clean = _TOKEN.split(_BEGUN.sub("", reply.text)), CleanText()
        for words in pieces:
            clean.add(words)
        state = ReplyState.UNREADABLE if len(pieces) > 1 else ReplyState.NONE
        return replace(reply, text=str(clean), state=state)


FAMILY = VisionLlm(
    name="visionllm",
    title="VisionLLM",
    model_types={},
    checkpoints=(),
    instructions={},
    unavailable_reason=message(
        "it was never released; the nearest open relative is InternVL (internvl)"
    ),
)
