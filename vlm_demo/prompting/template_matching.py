"""Compares chat templates by the text that they write: the fingerprint of a checkpoint's template.

Templates that look different can write the same text, and it is the text that a model was trained
on. So short conversations are rendered by both, and the texts compared, white space and all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

from PIL import Image

from vlm_demo.errors import InputError
from vlm_demo.prompting.family_spec import FamilySpec
from vlm_demo.prompting.templates import fill_template, find_thinking_argument
from vlm_demo.values import Message

_IMAGES = (Image.new("RGB", (8, 8)),)
_QUESTION = Message("user", "What is this?", _IMAGES)

PROBES: tuple[tuple[Message, ...], ...] = (
    (_QUESTION,),
    (_QUESTION, Message("assistant", "A cup."), Message("user", "Which colour is it?")),
)
"""The conversations that are rendered: one question about a picture, and a second one."""

_BEGINNING = re.compile(
    "\\A(?:<s>|<bos>|<[|]begin_of_text[|]>|<[|]startoftext[|]>"
    "|<\N{FULLWIDTH VERTICAL LINE}begin\u2581of\u2581sentence\N{FULLWIDTH VERTICAL LINE}>)"
)
"""Tokens that begin a text, which the tokenizer may add where the template does not."""


class TemplateMatch(IntEnum):
    """How well a checkpoint's template agrees with a family."""

    DIFFERENT = 0
    PUBLISHED = 1  # it writes what the family's checkpoints publish, but they are asked otherwise
    SAME = 2  # it writes what the family writes


@dataclass(frozen=True, slots=True)
class CheckpointTemplate:
    """The chat template of a checkpoint, and the special tokens that it names."""

    text: str
    tokens: Mapping[str, str]

    def render(self, messages: Sequence[Message], thinking: bool | None = None) -> str:
        """Return the text of a conversation up to where the answer begins.

        Args:
            messages: the conversation; the last message is the question.
            thinking: whether the model is to reason; None: as the template says.

        Raises:
            InputError: the template refuses the messages.
        """
        options: dict[str, Any] = dict(self.tokens)
        if thinking is not None and (name := find_thinking_argument(self.text)):
            options[name] = thinking
        return fill_template(self.text, messages, **options)

    def render_probes(self) -> tuple[str, ...] | None:
        """Return the texts of the probes; None where it cannot take such messages."""
        try:
            return tuple(_without_beginning(self.render(probe)) for probe in PROBES)
        except InputError:
            return None

    @property
    def takes_images(self) -> bool:
        """Whether a picture leaves a trace in the text, other than as a list of parts."""
        try:
            with_image, without = (
                self.render([replace(_QUESTION, images=images)]) for images in (_IMAGES, ())
            )
        except InputError:
            return False
        return with_image != without and "'type'" not in with_image


def match_template(family: FamilySpec, probes: Sequence[str]) -> TemplateMatch:
    """Compare a family with a checkpoint's template.

    Args:
        family: whose templates are rendered.
        probes: what the checkpoint's template makes of `PROBES`.
    """
    written = family.chat_template or family.documented_template
    texts = tuple(probes)
    if written and texts in _renderings(family, written, family.system):
        return TemplateMatch.SAME
    others = [*family.published_templates, *([written] if written and family.system else [])]
    if any(texts in _renderings(family, template, "") for template in others):
        return TemplateMatch.PUBLISHED
    return TemplateMatch.DIFFERENT


def can_be_compared(family: FamilySpec) -> bool:
    """Whether anything is known of the templates of a family's checkpoints."""
    return bool(family.chat_template or family.documented_template or family.published_templates)


def _renderings(family: FamilySpec, template: str, system: str) -> list[tuple[str, ...]]:
    """Return what a template makes of the probes, behind a system message if there is one."""
    beginning = (Message("system", system),) if system else ()
    templates = [template]
    if template == family.chat_template and family.documented_template:
        templates.append(family.documented_template)
    found = []
    for text in templates:
        try:
            rendered = tuple(fill_template(text, (*beginning, *probe)) for probe in PROBES)
        except InputError:
            continue
        found.append(tuple(map(_without_beginning, rendered)))
    return found


def _without_beginning(text: str) -> str:
    return _BEGINNING.sub("", text)
