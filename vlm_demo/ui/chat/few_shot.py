"""Examples pinned above a chat: questions with wished answers that go before every request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from vlm_demo.errors import InputError
from vlm_demo.prompting.family import Limits
from vlm_demo.ui import browser_files
from vlm_demo.ui.chat.canvas import Desk
from vlm_demo.ui.chat.conversation import Conversation, Turn
from vlm_demo.ui.chat.parts import ChatParts
from vlm_demo.ui.events import EACH, QUEUED
from vlm_demo.ui.html_values import Said, as_value
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import errors_shown
from vlm_demo.values import Reply

MOST_PINNED = 8

_SCRIPT = browser_files.read("chat/few_shot.js")


@dataclass(frozen=True, slots=True)
class PinnedList:
    """The fold-out with the pinned examples, and a form for another one."""

    fold: gr.Accordion
    shown: gr.HTML
    question: gr.Textbox
    answer: gr.Textbox
    pictured: gr.Checkbox
    add: gr.Button


def build_pinned_list() -> PinnedList:
    """Lay out the fold-out, closed."""
    with gr.Accordion(_title(0), open=False, elem_id="chat-pins") as fold:
        shown = gr.HTML(
            pinned_value(()),
            html_template='<div class="pins"><p class="none"></p><ul></ul></div>',
            js_on_load=_SCRIPT,
            elem_id="chat-pinned",
            apply_default_css=False,
        )
        with gr.Row():
            question = gr.Textbox(
                label=say("Question"), max_lines=4, elem_id="chat-pin-question", min_width=200
            )
            answer = gr.Textbox(
                label=say("Wished answer"), max_lines=4, elem_id="chat-pin-answer", min_width=200
            )
        with gr.Row():
            pictured = gr.Checkbox(
                True, label=say("With the picture on the board"), elem_id="chat-pin-pictured"
            )
            add = gr.Button(say("Pin this example"), size="sm", elem_id="chat-pin-add")
    return PinnedList(fold, shown, question, answer, pictured, add)


def wire_pinned_list(pins: PinnedList, parts: ChatParts) -> None:
    """Let people pin answers of the chat or examples of their own, and remove them."""

    def pin(event: gr.EventData, conversation: Conversation, pinned: Conversation) -> Any:
        with errors_shown():
            turn = _turn_at(conversation, event._data)
            return pinned_with(pins, parts, with_example(pinned, as_example(turn)))
        return pinned_with(pins, parts, pinned)

    def write(
        question: str, answer: str, pictured: bool, desk: Desk, pinned: Conversation
    ) -> dict[Any, Any]:
        with errors_shown():
            if not question.strip() or not answer.strip():
                raise InputError("Please write a question and the answer that you wish for.")
            pictures = (desk.picture,) if pictured and desk.picture else ()
            example = Turn(question, pictures, Reply(answer, answer))
            kept = with_example(pinned, example)
            return {**pinned_with(pins, parts, kept), pins.question: "", pins.answer: ""}
        return pinned_with(pins, parts, pinned)

    def remove(event: gr.EventData, pinned: Conversation) -> dict[Any, Any]:
        match event._data:
            case {"index": int(index)} if 0 <= index < len(pinned):
                pinned = (*pinned[:index], *pinned[index + 1 :])
        return pinned_with(pins, parts, pinned)

    changed = [pins.fold, pins.shown, parts.pinned]
    parts.shelf.like(pin, [parts.conversation, parts.pinned], changed, **QUEUED)
    pins.add.click(
        write,
        [pins.question, pins.answer, pins.pictured, parts.desk, parts.pinned],
        [*changed, pins.question, pins.answer],
        **QUEUED,
    )
    pins.shown.select(remove, parts.pinned, changed, **EACH)


def pinned_value(pinned: Sequence[Turn]) -> str:
    """Value of the list of examples."""
    examples = [
        {
            "pictures": [picture.url for picture in turn.pictures],
            "question": turn.question,
            "answer": turn.reply.text if turn.reply else "",
        }
        for turn in pinned
    ]
    return as_value({"examples": examples})


def as_example(turn: Turn) -> Turn:
    """Return a turn that stands alone: with the picture that its question was about."""
    pictures = turn.pictures or ((turn.newest_picture,) if turn.newest_picture else ())
    return replace(turn, pictures=pictures, notes=())


def with_example(pinned: Conversation, example: Turn) -> Conversation:
    """Add an example.

    Raises:
        InputError: there are enough, or it is there.
    """
    if len(pinned) >= MOST_PINNED:
        raise InputError(f"{MOST_PINNED} examples are pinned. Please remove one first.")
    if any((p.question, p.reply) == (example.question, example.reply) for p in pinned):
        raise InputError("This example is pinned already.")
    return (*pinned, example)


def fitting(
    pinned: Conversation, before: Conversation, turn: Turn, limits: Limits, model: str
) -> tuple[Conversation, tuple[Said, ...]]:
    """Return the examples that a model can be given with a turn, and a note about the others.

    Pictures of the conversation come first: it is about them.
    """
    if not pinned:
        return (), ()
    if limits.history == "none":
        note = Said(
            "{model} answers each question on its own: pinned examples are left out.",
            {"model": model},
        )
        return (), (note,)
    answered = [past for past in before if past.reply is not None]
    left = limits.max_images - sum(len(past.pictures) for past in (*answered, turn))
    kept: list[Turn] = []
    for example in pinned:
        # Where the pictures are too many already, the model starts anew: nothing earlier is seen.
        if left - len(example.pictures) >= 0:
            kept.append(example)
            left -= len(example.pictures)
    gone = len(pinned) - len(kept)
    note = Said(
        "{model} sees {count} at a time: pinned examples that are left out: {gone}.",
        {"model": model, "count": _pictures(limits.max_images), "gone": gone},
    )
    return tuple(kept), (note,) if gone else ()


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"


def _turn_at(conversation: Conversation, sent: object) -> Turn:
    match sent:
        case {"turn": int(index)} if 0 <= index < len(conversation):
            if conversation[index].reply is not None:
                return conversation[index]
    raise InputError("This answer is no longer here.")


def pinned_with(pins: PinnedList, parts: ChatParts, pinned: Conversation) -> dict[Any, Any]:
    """Show the examples that are pinned."""
    return {
        pins.fold: gr.Accordion(label=_title(len(pinned))),
        pins.shown: pinned_value(pinned),
        parts.pinned: pinned,
    }


def _title(count: int) -> str:
    return f"{say('Pinned examples')}{f' ({count})' if count else ''}"
