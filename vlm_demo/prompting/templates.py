"""Fills in chat templates as transformers does, without transformers.

The settings of the Jinja environment, `raise_exception` and the shape of the messages are those of
transformers/utils/chat_template_utils.py (5.23).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from PIL.Image import Image
from PIL.Image import new as new_image

from vlm_demo.errors import InputError
from vlm_demo.values import Message

BARE_TEXT = (
    "{% for part in messages[-1]['content'] if part['type'] == 'text' %}{{ part['text'] }}"
    "{% endfor %}"
)
"""A template for families without one: the words of the last message, and nothing else."""

_TEMPLATE_FAILURES = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What a template raises that was made for other messages, such as texts instead of lists."""

_PROBE_IMAGE = new_image("RGB", (1, 1))
"""Stands for an image where it is tried out in which order a template writes."""

_PROBE = "instructions that stand before it"

THINKING_ARGUMENTS = ("enable_thinking", "thinking")
"""Names of the argument with which templates turn reasoning on or off.

Source: https://docs.vllm.ai/en/latest/features/reasoning_outputs/ (Qwen3 takes the first,
DeepSeek-V3.1 the second).
"""


@cache
def find_thinking_argument(template: str) -> str:
    """Return which of `THINKING_ARGUMENTS` a template takes; "": none, its reasoning is fixed."""
    try:
        tree = _environment().parse(template)
    except TemplateError:
        return ""
    free = meta.find_undeclared_variables(tree)
    return next((name for name in THINKING_ARGUMENTS if name in free), "")


@cache
def writes_system_messages(template: str) -> bool:
    """Whether a template writes the text of a system message into the prompt."""
    messages = Message("system", _PROBE), Message("user", "question")
    try:
        written = fill_template(template, messages)
    except InputError:
        return False
    # Some templates write a list where they expect a text.
    return _PROBE in written and "'type'" not in written


def fill_template(template: str, messages: Sequence[Message], **tokens: str) -> str:
    """Fill in a Jinja template up to where the answer begins.

    Args:
        template: the chat template.
        messages: the conversation; the last message is the question.
        tokens: special tokens that the template names, such as `bos_token`.

    Raises:
        InputError: the template refuses the messages.
    """
    messages = fit_labels(template, messages)
    try:
        return _compile(template).render(
            messages=list(map(template_message, messages)), add_generation_prompt=True, **tokens
        )
    except (TemplateError, *_TEMPLATE_FAILURES) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise InputError(
            "The model's template cannot take this conversation: {reason}.", reason=reason
        ) from error


def template_message(message: Message) -> dict[str, Any]:
    """Return a message as templates expect it: its images, each behind its label, then its text."""
    return {"role": message.role, "content": message_parts(message, lambda _: {"type": "image"})}


def message_parts(
    message: Message, write_image: Callable[[Image], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the parts of a message in their order; `write_image` makes that of an image."""
    if len(message.labels) != len(message.images):
        images = [write_image(image) for image in message.images]
        return [*images, {"type": "text", "text": message.text}]
    parts: list[dict[str, Any]] = []
    for number, (label, image) in enumerate(zip(message.labels, message.images, strict=True)):
        ahead = "\n" if number else ""
        parts += [{"type": "text", "text": f"{ahead}{label} "}, write_image(image)]
    ahead = "\n" if parts else ""
    return [*parts, {"type": "text", "text": f"{ahead}{message.text}"}]


def fit_labels(template: str, messages: Sequence[Message]) -> list[Message]:
    """Move the labels of images into the text where a template writes all images first."""
    if not any(message.labels for message in messages) or _keeps_order(template):
        return list(messages)
    return [_move_labels(message) for message in messages]


def _move_labels(message: Message) -> Message:
    if not message.labels:
        return message
    names = " ".join(f"({n}) {label}" for n, label in enumerate(message.labels, start=1))
    return replace(message, labels=(), text=f"The pictures in order: {names}\n{message.text}")


@cache
def _keeps_order(template: str) -> bool:
    """Whether a template writes text and images in the order in which they are given."""
    marks = "first label", "second label"
    probe = Message("user", "question", (_PROBE_IMAGE,) * 2, labels=marks)
    try:
        written = _compile(template).render(
            messages=[template_message(probe)], add_generation_prompt=True
        )
    except (TemplateError, *_TEMPLATE_FAILURES):
        return False
    first, second = written.find(marks[0]), written.find(marks[1])
    between = written[first + len(marks[0]) : second].strip()
    return 0 <= first < second and bool(between) and "'type'" not in written


class _Generation(Extension):
    """The tag that marks answers for training; what is in it is written as it stands."""

    # Jinja declares it as a variable of instances.
    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Return what stands between `{% generation %}` and `{% endgeneration %}`."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


@cache
def _compile(template: str) -> Template:
    with warnings.catch_warnings():
        # Published templates hold strings such as '<\s>', whose escapes Python has only deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _environment().from_string(template)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    environment.filters["tojson"] = lambda value, **options: json.dumps(
        value, ensure_ascii=False, **options
    )
    return environment


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
