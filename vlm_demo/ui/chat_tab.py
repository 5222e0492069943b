"""Chat: a conversation about pictures."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.settings import Settings
from vlm_demo.types import Reply, Task
from vlm_demo.ui.asked import Asked
from vlm_demo.ui.conversation import (
    Conversation,
    Turn,
    as_messages,
    picture_of,
    pictures_in,
    request_for,
)
from vlm_demo.ui.generation import Choice
from vlm_demo.ui.model_choice import build_notice
from vlm_demo.ui.pictures import annotated, keep, take
from vlm_demo.ui.streaming import answers, errors_shown
from vlm_demo.ui.tab import ANSWERS, QUICK, Surroundings
from vlm_demo.ui.values import place_in_queue

EMPTY: dict[str, Any] = {"text": "", "files": []}  # None would stop the box from working

ASKING = "() => ({__type__: 'update', submit_btn: false, stop_btn: true})"
"""What the message box becomes in the browser while an answer is written."""

SEND = """(message) => [message,
  {__type__: 'update', value: {text: '', files: []}, submit_btn: false, stop_btn: true}]"""
"""Moves the message out of the box, in the browser."""

WELCOME = """### Talk about a picture
Paste, drop or attach one, then ask away."""


def build_chat_tab(_: gr.Tab, around: Surroundings) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, controls = around.backend, around.controls
    examples = around.examples_for(Task.CHAT)
    conversation = gr.State(())
    asked_last = around.asked["Chat"]
    build_notice(backend, controls.model, [Task.CHAT])
    chat = gr.Chatbot(
        elem_id="chat",
        label="Conversation",
        show_label=False,
        container=False,
        layout="bubble",
        height=None,
        buttons=["copy"],
        editable="user",
        placeholder=WELCOME,
        examples=[
            {"text": example.words, "display_text": example.words, "files": [str(example.picture)]}
            for example in examples
        ],
    )
    box = gr.MultimodalTextbox(
        elem_id="chat-box",
        label="Message",
        show_label=False,
        file_types=["image"],
        file_count="multiple",
        sources=["upload"],
        placeholder="Ask about a picture…",
        max_lines=6,
        submit_btn=True,
        stop_btn=False,
    )
    around.place_again("Chat")
    ready: dict[str, Any] = {"submit_btn": True, "stop_btn": False}
    sent = gr.MultimodalTextbox(visible="hidden", show_label=False, file_count="multiple")
    unsent = gr.State(None)  # a question that failed: it goes back into the box

    def answer(before: Conversation, turn: Turn, settings: tuple[Any, ...]) -> Updates:
        """Stream the answer to a turn; when it fails, the question is back in the box."""
        with errors_shown():
            try:
                yield {chat: as_messages((*before, turn)), conversation: (*before, turn)}
                choice = Choice.of(backend, *settings)
                turn = replace(turn, note=_starts_anew(backend, choice.model, before, turn))
                request = request_for(before, turn, choice.sampling)
                shown = as_messages((*before, turn))
                for reply in answers(backend, choice.model, request):
                    if reply is None:
                        yield {chat: shown}  # a sign of life: Gradio sends what differs, nothing
                        continue
                    if reply.ahead:
                        waiting = replace(turn, note=place_in_queue(reply.ahead))
                        shown = as_messages((*before, waiting))
                        yield {chat: shown}
                        continue
                    turn = replace(turn, reply=reply)
                    shown = as_messages((*before, turn))
                    yield {
                        chat: shown,
                        conversation: (*before, turn),
                        asked_last: Asked.now(
                            choice.model, request, reply.raw, turn.pictures, pictures_in(before)
                        ),
                    }
                turn = replace(turn, drawn=_drawn(before, turn))
                yield {chat: as_messages((*before, turn)), conversation: (*before, turn)}
            except Exception:  # whatever it is, nothing written is lost
                yield {
                    chat: as_messages(before),
                    conversation: before,
                    unsent: _typed(turn),
                }
                raise

    def send(message: Mapping[str, Any], before: Conversation, *settings: Any) -> Updates:
        text, files = message.get("text") or "", message.get("files") or []
        if files or not text.strip():
            yield gr.skip()  # what follows may fail before there is anything to show
        with errors_shown():
            try:
                turn = _asked(text, files, around.settings)
            except InputError:
                yield {unsent: message}
                raise
            yield from answer(before, turn, settings)

    def retry(event: gr.RetryData, before: Conversation, *settings: Any) -> Updates:
        yield gr.skip()
        kept, turn = _split(before, event.index)
        if turn:
            yield from answer(kept, Turn(turn.question, turn.pictures), settings)

    def edit(event: gr.EditData, before: Conversation, *settings: Any) -> Updates:
        yield gr.skip()
        kept, turn = _split(before, event.index)
        if turn:
            # What was shown was escaped; what comes back is what was shown.
            question = html.unescape(str(event.value))
            yield from answer(kept, Turn(question, turn.pictures), settings)

    def try_example(event: gr.SelectData, before: Conversation, *settings: Any) -> Updates:
        yield gr.skip()
        index = event.index if isinstance(event.index, int) else 0
        if not 0 <= index < len(examples):
            return
        example = examples[index]
        with errors_shown():
            turn = Turn(example.words, (take(example.picture, around.settings, example.title),))
            yield from answer(before, turn, settings)

    def undo(event: gr.UndoData, before: Conversation) -> dict[Any, Any]:
        kept, turn = _split(before, event.index)
        return {
            chat: as_messages(kept),
            conversation: kept,
            asked_last: None,
            box: gr.MultimodalTextbox(value=_typed(turn) if turn else EMPTY, **ready),
        }

    def stopped(before: Conversation) -> dict[Any, Any]:
        """Keep what was written; where nothing was, give the question back."""
        if before and before[-1].reply is None:
            last = gr.MultimodalTextbox(value=_typed(before[-1]), **ready)
            return {chat: as_messages(before[:-1]), conversation: before[:-1], box: last}
        return {
            chat: as_messages(before),
            conversation: before,
            box: gr.MultimodalTextbox(**ready),
        }

    def clear() -> dict[Any, Any]:
        return {
            chat: [],
            conversation: (),
            asked_last: None,
            box: gr.MultimodalTextbox(**ready),
        }

    def settle(left: Mapping[str, Any] | None) -> dict[Any, Any]:
        value: dict[str, Any] = {"value": left} if left else {}
        return {box: gr.MultimodalTextbox(**value, **ready), unsent: None}

    # The browser runs the listeners of an event one after the other, so these come first.
    box.submit(None, box, [sent, box], js=SEND, **QUICK)
    gr.on([chat.retry, chat.edit, chat.example_select], None, None, box, js=ASKING, **QUICK)
    # Every step of a stream makes Gradio build anew each component that might have changed and has
    # not: the message box is not among them.
    streamed = [chat, conversation, asked_last, unsent]
    asked = [conversation, *controls.inputs]
    running: list[Any] = [
        box.submit(send, [sent, *asked], streamed, **ANSWERS),
        chat.retry(retry, asked, streamed, **ANSWERS),
        chat.edit(edit, asked, streamed, **ANSWERS),
        chat.example_select(try_example, asked, streamed, **ANSWERS),
    ]
    for event in running:
        event.then(settle, unsent, [box, unsent], **QUICK)
    changed = [chat, conversation, box, asked_last]
    box.stop(stopped, conversation, changed, cancels=running, **QUICK)
    chat.undo(undo, conversation, changed, cancels=running, **QUICK)
    chat.clear(clear, None, changed, cancels=running, **QUICK)


Updates = Iterator[Any]


def _split(conversation: Conversation, index: object) -> tuple[Conversation, Turn | None]:
    """Return the turns before the one that holds message `index`, and that turn.

    The index is the browser's word: one that fits nothing gives everything and no turn.
    """
    message = index[0] if isinstance(index, tuple | list) and index else index
    if not isinstance(message, int) or not 0 <= message < 2 * len(conversation):
        return conversation, None
    return conversation[: message // 2], conversation[message // 2]


def _asked(text: str, files: Sequence[str], settings: Settings) -> Turn:
    """Build the turn of a message.

    Raises:
        InputError: it is empty, or a file is not a picture that can be read.
    """
    if not text.strip() and not files:
        raise InputError("Please write a message or add a picture.")
    return Turn(text, tuple(take(Path(file), settings) for file in files))


def _typed(turn: Turn) -> dict[str, Any]:
    """The turn's question as the message box holds it."""
    return {"text": turn.question, "files": [str(picture.source) for picture in turn.pictures]}


def _starts_anew(backend: Backend, model: str, before: Conversation, turn: Turn) -> str:
    """One line where the model cannot see the conversation that the person sees."""
    limits = get_family(backend.spec(model).family).limits
    if not before:
        return ""
    if limits.history == "none":
        return f"{model} answers each question on its own."
    seen = sum(len(past.pictures) for past in before) + len(turn.pictures)
    if turn.pictures and seen > limits.max_images:
        return f"{model} sees {_pictures(limits.max_images)} at a time: it starts anew with this."
    return ""


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"


def _drawn(before: Conversation, turn: Turn) -> Path | None:
    reply: Reply | None = turn.reply
    if reply is None or not reply.mentions:
        return None
    picture = picture_of(before, turn, reply.mentions[0].image_index)
    if picture is None:
        return None
    drawing = annotated(picture, reply.mentions)
    drawing.thumbnail((1024, 1024))
    return keep(drawing)
