"""What can be done about an error: the remedies that are offered below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vlm_demo.backend import Backend
from vlm_demo.engines import NumberFormat
from vlm_demo.errors import (
    ContextLengthError,
    ImageError,
    InputError,
    LoadError,
    MissingImageError,
    MissingTextError,
    NotRunnableError,
    OutOfMemoryError,
    RequestTooLargeError,
    TooLongError,
    UnknownModelError,
    UnsupportedTaskError,
)
from vlm_demo.translatable_text import TranslatableText
from vlm_demo.ui.components.answer.view import failure_value
from vlm_demo.ui.streaming import error_message
from vlm_demo.values import Reply, Task

MAX_MODELS = 3
"""Largest number of models that are offered in place of one."""


class RemedyAction(StrEnum):
    """What a remedy does."""

    AGAIN = "again"  # asks the same once more
    PICTURE = "picture"  # opens the chooser for a picture
    EXAMPLE = "example"  # takes the first example of the tab
    WORDS = "words"  # goes to the field for the words
    MODEL = "model"  # asks another model
    FORMAT = "format"  # loads the model in another number format
    HALVE = "halve"  # takes the picture half as wide and high
    SHORTER = "shorter"  # allows fewer new tokens


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that can be done."""

    action: RemedyAction
    label: TranslatableText
    choice: str = ""  # which model or number format, or how many tokens

    @property
    def content(self) -> dict[str, Any]:
        """The remedy as the browser gets it."""
        return {"action": self.action, "words": self.label, "choice": self.choice}


AGAIN = Remedy(RemedyAction.AGAIN, TranslatableText("Try again"))
PICTURE = Remedy(RemedyAction.PICTURE, TranslatableText("Choose an image"))
EXAMPLE = Remedy(RemedyAction.EXAMPLE, TranslatableText("Try an example"))
WRITE = Remedy(RemedyAction.WORDS, TranslatableText("Write something"))
HALVE = Remedy(RemedyAction.HALVE, TranslatableText("Halve the image"))
SHORTEN = Remedy(RemedyAction.WORDS, TranslatableText("Shorten the text"))
CORRECT = Remedy(RemedyAction.WORDS, TranslatableText("Change the text"))


def problem_value(
    error: Exception, backend: Backend, model: str, task: Task, reply: Reply | None = None
) -> str:
    """Value of an answer's component for an error, with what can be done about it.

    Args:
        error: any; one that is not a VlmDemoError is logged.
        backend: the models that could be asked instead.
        model: the model that was asked.
        task: what it was asked for.
        reply: what it had written by then; None: nothing.
    """
    offered = [remedy.content for remedy in find_remedies(error, backend, model, task)]
    return failure_value(error_message(error), offered, reply)


def find_remedies(error: Exception, backend: Backend, model: str, task: Task) -> tuple[Remedy, ...]:
    """Return what can be done about an error, the best first."""
    match error:
        case MissingImageError():
            return (PICTURE, EXAMPLE)
        case ImageError():
            return (PICTURE,)
        case MissingTextError():
            return (WRITE,)
        case ContextLengthError():
            return (HALVE, SHORTEN)
        case RequestTooLargeError():
            return (HALVE, AGAIN)
        case TooLongError():
            return (SHORTEN,)
        case InputError():
            return (CORRECT,)
        case UnsupportedTaskError() | NotRunnableError() | UnknownModelError():
            return tuple(_offer_other_models(backend, model, task))
        case OutOfMemoryError():
            return (*_offer_lighter(error, task), AGAIN)
        case LoadError():
            return (AGAIN, *_offer_other_models(backend, model, task))
        case _:
            return (AGAIN,)


def _offer_other_models(backend: Backend, model: str, task: Task) -> Iterator[Remedy]:
    """Offer other models that can do the task.

    First comes the entry that chooses one by the picture, then those in memory, then those on disk.
    """
    choosing = [
        spec.name
        for spec in backend.menu
        if spec.engine == "automatic" and spec.name != model and spec.supports(task)
    ]
    able = [name for name in backend.models_for(task) if name != model]
    able.sort(key=lambda name: (not backend.is_loaded(name), not backend.spec(name).is_here))
    return map(_ask_instead, [*choosing, *able][:MAX_MODELS])


def _ask_instead(model: str) -> Remedy:
    label = TranslatableText("Ask {model} instead", {"model": model})
    return Remedy(RemedyAction.MODEL, label, model)


def _offer_lighter(error: OutOfMemoryError, task: Task) -> Iterator[Remedy]:
    """Offer what takes less memory, as the error suggests."""
    for name in error.formats:
        label = TranslatableText("Load it in {format}", {"format": NumberFormat(name).label})
        yield Remedy(RemedyAction.FORMAT, label, name)
    if error.smaller_image and task is not Task.CHAT:  # there it is part of what was said
        yield HALVE
    if error.new_tokens:
        label = TranslatableText(
            "Answer in at most {count} tokens", {"count": f"{error.new_tokens:,}"}
        )
        yield Remedy(RemedyAction.SHORTER, label, str(error.new_tokens))
    if error.alternative:
        yield _ask_instead(error.alternative)
