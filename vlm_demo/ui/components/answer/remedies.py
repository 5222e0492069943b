"""What can be done about an error, as buttons below it.

What only moves about on the page is done by answer.js. What changes something comes back here as
the event `select` of the answer, and the button that asks is pressed when it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.errors import (
    ImageError,
    InputError,
    LoadError,
    MissingImageError,
    MissingTextError,
    NotRunnableError,
    OutOfMemoryError,
    TooLongError,
    UnknownModelError,
    UnsupportedTaskError,
)
from vlm_demo.pool import NumberFormat
from vlm_demo.ui.components.answer.view import failed, waiting
from vlm_demo.ui.components.canvas.canvas import shown
from vlm_demo.ui.components.picture_input.input import PictureInput
from vlm_demo.ui.components.picture_input.pictures import Picture, keep
from vlm_demo.ui.components.settings.panel import Controls
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.html_values import Said
from vlm_demo.ui.streaming import plain_words_for
from vlm_demo.values import Reply, Task

MOST_MODELS = 3
"""Models that are offered in place of one."""


class Action(StrEnum):
    """What a remedy does."""

    AGAIN = "again"  # asks the same once more
    PICTURE = "picture"  # opens the chooser for a picture
    EXAMPLE = "example"  # takes the first example of the tab
    WORDS = "words"  # goes to the field for the words
    MODEL = "model"  # asks another model
    FORMAT = "format"  # loads the model in another number format
    HALVE = "halve"  # takes the picture half as wide and high
    SHORTER = "shorter"  # allows fewer tokens


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that can be done."""

    action: Action
    words: Said
    choice: str = ""  # which model or number format, or how many tokens

    @property
    def content(self) -> dict[str, Any]:
        """What the browser is given of it."""
        return {"action": self.action, "words": self.words, "choice": self.choice}


AGAIN = Remedy(Action.AGAIN, Said("Try again"))
PICTURE = Remedy(Action.PICTURE, Said("Choose a picture"))
EXAMPLE = Remedy(Action.EXAMPLE, Said("Try an example"))
WRITE = Remedy(Action.WORDS, Said("Write some words"))
SHORTEN = Remedy(Action.WORDS, Said("Shorten the text"))
CORRECT = Remedy(Action.WORDS, Said("Change the words"))


def problem(
    error: Exception, backend: Backend, model: str, task: Task, reply: Reply | None = None
) -> str:
    """Value of an answer's component for an error, with what can be done about it.

    Args:
        error: any; one that is not ours is logged.
        backend: the models that could be asked instead.
        model: the one that was asked.
        task: what it was asked for.
        reply: what it had written until then; None: nothing.
    """
    offered = [remedy.content for remedy in remedies(error, backend, model, task)]
    return failed(plain_words_for(error), offered, reply)


def remedies(error: Exception, backend: Backend, model: str, task: Task) -> tuple[Remedy, ...]:
    """Return what can be done about an error, the best first."""
    match error:
        case MissingImageError():
            return (PICTURE, EXAMPLE)
        case ImageError():
            return (PICTURE,)
        case MissingTextError():
            return (WRITE,)
        case TooLongError():
            return (SHORTEN,)
        case InputError():
            return (CORRECT,)
        case UnsupportedTaskError() | NotRunnableError() | UnknownModelError():
            return tuple(_instead(backend, model, task))
        case OutOfMemoryError():
            return (*_lighter(error, task), AGAIN)
        case LoadError():
            return (AGAIN, *_instead(backend, model, task))
        case _:
            return (AGAIN,)


def _instead(backend: Backend, model: str, task: Task) -> Iterator[Remedy]:
    """Offer other models that can do the task: first those in memory, then those on disk."""
    able = [name for name in backend.models_for(task) if name != model]
    able.sort(key=lambda name: (not backend.is_loaded(name), not backend.spec(name).is_here))
    return map(_ask, able[:MOST_MODELS])


def _ask(model: str) -> Remedy:
    return Remedy(Action.MODEL, Said("Ask {model} instead", {"model": model}), model)


def _lighter(error: OutOfMemoryError, task: Task) -> Iterator[Remedy]:
    """Offer what would take less memory, as the error says."""
    for name in error.formats:
        yield Remedy(Action.FORMAT, Said("Load it in {format}", {"format": name}), name)
    if error.smaller_picture and task is not Task.CHAT:  # there it is part of what was said
        yield Remedy(Action.HALVE, Said("Halve the picture"))
    if error.new_tokens:
        words = Said("Answer in at most {count} tokens", {"count": f"{error.new_tokens:,}"})
        yield Remedy(Action.SHORTER, words, str(error.new_tokens))
    if error.alternative:
        yield _ask(error.alternative)


def wire_remedies(
    result: gr.HTML,
    controls: Controls,
    task: Task,
    own: PictureInput | None = None,
    chooser: gr.Dropdown | None = None,
) -> None:
    """Do what a person chooses below an error in `result`, and ask again.

    Args:
        result: the answer.
        controls: what every request depends on.
        task: what is asked for there.
        own: the picture of the tab; None: it has none that could be halved.
        chooser: where the tab chooses its model; None: where the page does.
    """
    backend = controls.backend

    def act(event: gr.EventData, model: str, *held: Any) -> dict[Any, Any]:
        changed: dict[Any, Any]
        sent = event._data if isinstance(event._data, dict) else {}
        choice = str(sent.get("choice"))
        try:
            match sent.get("action"):
                case Action.MODEL if chooser is not None:
                    changed = {chooser: choice}
                case Action.MODEL:
                    changed = controls.chosen(choice, held[0])
                case Action.FORMAT:
                    begin_loading(backend, model, choice)
                    changed = {}
                case Action.SHORTER:
                    changed = {controls.max_new_tokens: max(int(choice), 1)}
                case Action.HALVE if own is not None and isinstance(held[1], Picture):
                    half = halved(held[1])
                    changed = {own.picture: half, own.board: shown(half, regions=held[2])}
                case _:
                    return {result: gr.skip()}
            return {result: waiting(), **changed}
        except Exception as error:  # whatever it is, people are told
            return {result: problem(error, backend, model, task)}

    picture = [own.picture, own.regions] if own else []
    board = [own.picture, own.board] if own else []
    # When this is done, its changes have reached the components, and so what is asked next.
    ask_again = f"""() => document.querySelector('#{result.elem_id} .answer')
      .dispatchEvent(new Event('vlm-again'))"""
    result.select(
        act,
        [chooser or controls.model, controls.kept, *picture],
        [result, *([chooser] if chooser else []), *controls.outputs, *board],
        **QUEUED,
    ).success(None, None, None, js=ask_again, **QUICK)


def begin_loading(backend: Backend, model: str, format: str) -> None:
    """Let a model be loaded in a number format; the next answer waits for it.

    Raises:
        VlmDemoError: as `Backend.load` does, where that is known at once.
    """
    if format not in list(NumberFormat):
        raise InputError("There is no such number format.")
    loading = backend.load(model, NumberFormat(format))
    next(loading, None)  # it goes on when nobody reads how far it has come
    loading.close()


def halved(picture: Picture) -> Picture:
    """Return a picture half as wide and high.

    Raises:
        ImageError: the file has been cleaned away meanwhile.
    """
    image = picture.open().reduce(2)
    half = keep(image)
    return Picture(half, half, image.size, picture.name)
