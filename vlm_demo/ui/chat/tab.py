"""Chat: a conversation about pictures, with the newest one beside it."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.prompting.family import Limits
from vlm_demo.ui.chat.canvas import BOARD, Desk, Marking, asked_with, build_shelf
from vlm_demo.ui.chat.conversation import (
    Conversation,
    Turn,
    as_messages,
    messages_of,
    pictures_in,
    request_for,
    shown_to,
)
from vlm_demo.ui.chat.few_shot import build_pinned_list, fitting, wire_pinned_list
from vlm_demo.ui.chat.files import build_chat_files, wire_chat_files
from vlm_demo.ui.chat.parts import ChatParts
from vlm_demo.ui.chat.sidebar import wire_side
from vlm_demo.ui.components.answer.answered_request import Asked
from vlm_demo.ui.components.answer.remedies import problem, wire_remedies
from vlm_demo.ui.components.answer.view import NOTHING
from vlm_demo.ui.components.answer.view import answer as build_answer
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.answer_actions.actions import build_keeping
from vlm_demo.ui.components.answer_actions.permalinks import wire_chat_link
from vlm_demo.ui.components.canvas.canvas import region_image
from vlm_demo.ui.components.canvas.region_chips import region_chips
from vlm_demo.ui.components.model_choice import build_notice
from vlm_demo.ui.components.picture_input.pictures import take
from vlm_demo.ui.components.settings.panel import Choice
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import ANSWERS, QUICK
from vlm_demo.ui.html_values import Said
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import awaited, errors_shown
from vlm_demo.ui.tasks.ask import REGION_FORMS
from vlm_demo.values import RegionForm, Reply, Task

EMPTY: dict[str, Any] = {"text": "", "files": []}  # None would stop the box from working

ASKING = "() => [{__type__: 'update', submit_btn: false, stop_btn: true}, '{}']"
"""What the message box becomes in the browser while an answer is written; and nothing is wrong."""

SEND = """(...values) => {
  window.chatSent = true;
  setTimeout(() => document.querySelector('#chat-sent').click());
  return values;
}"""
"""Sends the message box as it is; what becomes of it can wait until it is on its way."""

SENT = """() => [
  {__type__: 'update', value: {text: '', files: []}, submit_btn: false, stop_btn: true},
  '{"count": 0}', '{}',
]"""
"""Empties the message box, in the browser, and takes the regions off their row."""

WELCOME = """### Talk about a picture
Paste, drop or attach one, then ask away. Mark regions on it to ask about them."""

READY: dict[str, Any] = {"submit_btn": True, "stop_btn": False}
"""How the message box looks while nothing is written."""

Updates = Iterator[Any]


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message without an answer: it goes back into the box."""

    message: Mapping[str, Any]
    problem: str = NOTHING  # why, for the component that says so


def build_chat_tab(_: gr.Tab, around: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, controls = around.backend, around.controls
    examples = around.examples_for(Task.CHAT)
    asked_last = around.asked["Chat"]
    build_notice(backend, controls.model, [Task.CHAT])
    pins = build_pinned_list()
    with gr.Row(elem_id="chat-row", equal_height=False):
        chat = _build_log(around)
        with gr.Column(elem_id="chat-side", min_width=0):
            shelf = build_shelf()
            board = region_image(BOARD, max_bytes=around.settings.max_upload_bytes, selectable=True)
    trouble = build_answer(
        "chat-problem", run="#chat-box .submit-button", field="#chat-box", picture="#chat-box"
    )
    regions = region_chips("chat-regions", "#chat-box textarea")
    box = gr.MultimodalTextbox(
        elem_id="chat-box",
        label=say("Message"),
        show_label=False,
        file_types=["image"],
        file_count="multiple",
        sources=["upload"],
        placeholder=str(say("Ask about a picture…")),
        max_lines=6,
        submit_btn=True,
        stop_btn=False,
    )
    with gr.Accordion(say("How regions reach the model"), open=False, elem_id="chat-form"):
        form = gr.Radio(
            [(words, form.value) for form, words in REGION_FORMS.items()],
            value=RegionForm.AUTO.value,
            show_label=False,
            container=False,
            elem_id="chat-region-form",
        )
    conversation, desk = gr.State(()), gr.State(Desk())
    build_keeping("Chat", around, regions=desk, drawn=lambda desk: desk.marked, turns=conversation)
    around.place_again("Chat")
    files = build_chat_files()
    parts = ChatParts(
        *(chat, board, trouble, shelf, regions),
        conversation=conversation,
        desk=desk,
        pinned=gr.State(()),
    )
    sent = gr.Button("", visible="hidden", elem_id="chat-sent")
    unsent = gr.State(None)  # Unsent | None

    def answer(
        before: Conversation,
        turn: Turn,
        desks: tuple[Desk, Desk],
        pinned: Conversation,
        region_form: str,
        settings: Sequence[Any],
    ) -> Updates:
        """Stream the answer to a turn; when it fails, the question is back in the box.

        `desks` are the one before and the one from now on.
        """
        was, desk = desks
        try:
            choice = Choice.of(backend, *settings)
            limits = get_family(backend.spec(choice.model).family).limits
            shots, left_out = fitting(pinned, before, turn, limits, choice.model)
            earlier = (*shots, *before)
            anew = _starts_anew(choice.model, limits, before, turn)
            turn = replace(
                turn,
                model=choice.model,
                seen=shown_to(limits, earlier, turn),
                notes=(*turn.notes, *left_out, *anew),
            )
            past = as_messages(before)
            marking = Marking.LEFT if desk.marked else Marking.CLEARED

            def show() -> dict[Any, Any]:
                talk = (*before, turn)
                messages = [*past, *messages_of(turn, len(before), growing=True)]
                return parts.growing_with(talk, desk.following(talk), marking, messages)

            begun: dict[Any, Any] = {parts.desk: desk.following((*before, turn)), unsent: None}
            if turn.seen:
                yield show() | {unsent: None}  # opening pictures may take a while
            request = request_for(earlier, turn, choice.sampling, RegionForm(region_form))
            shown = show()
            for state in awaited(backend, choice.model, request):
                match state:
                    case Waiting():
                        turn = replace(turn, waiting=state)
                        shown = show()
                    case Reply():
                        turn = replace(turn, reply=state)
                        now = Asked.now(
                            choice.model, request, state, turn.pictures, pictures_in(earlier)
                        )
                        shown = show() | {asked_last: now}
                    case None:
                        pass  # a sign of life: Gradio sends what differs, nothing
                yield shown | begun
                begun = {}
        except Exception as error:  # whatever it is, nothing written is lost
            back = replace(was, coming=None)
            there = parts.growing_with(before, back, Marking.PUT, as_messages(before))
            why = problem(error, backend, settings[0], Task.CHAT, turn.reply)
            yield {**there, parts.desk: back, unsent: Unsent(_typed(turn), why)}

    def send(
        message: Mapping[str, Any],
        before: Conversation,
        desk: Desk,
        pinned: Conversation,
        region_form: str,
        *settings: Any,
    ) -> Updates:
        text, sources = message.get("text") or "", message.get("files") or []
        if sources or not text.strip():
            yield {unsent: Unsent(message)}  # until it is part of the conversation
        try:
            pictures = [take(Path(source), around.settings) for source in sources]
            turn = asked_with(text, pictures, desk, before)
        except InputError as error:
            why = problem(error, backend, settings[0], Task.CHAT)
            yield {unsent: Unsent(message, why)}
            return
        yield from answer(before, turn, (desk, Desk()), pinned, region_form, settings)

    def retry(event: gr.RetryData, before: Conversation, desk: Desk, *settings: Any) -> Updates:
        yield gr.skip()
        kept, turn = _split(before, event.index)
        if turn:
            yield from again(kept, turn.question, turn, desk, *settings)

    def edit(event: gr.EditData, before: Conversation, desk: Desk, *settings: Any) -> Updates:
        yield gr.skip()
        kept, turn = _split(before, event.index)
        if turn:
            # What was shown was escaped; what comes back is what was shown.
            yield from again(kept, html.unescape(str(event.value)), turn, desk, *settings)

    def again(
        before: Conversation,
        question: str,
        turn: Turn,
        desk: Desk,
        pinned: Conversation,
        region_form: str,
        *settings: Any,
    ) -> Updates:
        asked = Turn(question, turn.pictures, regions=turn.regions)
        yield from answer(before, asked, (desk, desk), pinned, region_form, settings)

    def try_example(
        event: gr.SelectData,
        before: Conversation,
        desk: Desk,
        pinned: Conversation,
        region_form: str,
        *settings: Any,
    ) -> Updates:
        yield gr.skip()
        index = event.index if isinstance(event.index, int) else 0
        if not 0 <= index < len(examples):
            return
        example = examples[index]
        with errors_shown():
            turn = Turn(example.words, (take(example.picture, around.settings, example.title),))
            yield from answer(before, turn, (desk, desk), pinned, region_form, settings)

    def undo(event: gr.UndoData, before: Conversation, desk: Desk) -> dict[Any, Any]:
        kept, turn = _split(before, event.index)
        return {asked_last: None, **given_back(kept, turn, desk)}

    def stopped(left: Unsent | None, before: Conversation, desk: Desk) -> dict[Any, Any]:
        """Keep what was written; where nothing was, give the question back."""
        if left:
            shown = parts.all_with(before, desk)
            return {**shown, box: gr.MultimodalTextbox(value=dict(left.message), **READY)}
        if before and before[-1].reply is None:
            return given_back(before[:-1], before[-1], desk)
        return {**parts.all_with(before, desk), box: gr.MultimodalTextbox(**READY)}

    def given_back(kept: Conversation, turn: Turn | None, desk: Desk) -> dict[Any, Any]:
        """Put a question back into the box, and its regions back onto the board."""
        if turn is None:
            return {**parts.all_with(kept, desk), box: gr.MultimodalTextbox(**READY)}
        if turn.regions:
            desk = replace(desk, marked=turn.regions, marked_on=turn.newest_picture)
        shown = parts.all_with(kept, desk.at_newest(kept), Marking.PUT)
        return {**shown, box: gr.MultimodalTextbox(value=_typed(turn), **READY)}

    def clear() -> dict[Any, Any]:
        """Begin anew; pinned examples stay, and so does what is in the message box."""
        nothing = parts.all_with((), Desk(), Marking.CLEARED)
        return {**nothing, asked_last: None, box: gr.MultimodalTextbox(**READY)}

    def settle(left: Unsent | None, conversation: Conversation, desk: Desk) -> dict[Any, Any]:
        value: dict[str, Any] = {"value": left.message} if left else {}
        complete = bool(conversation) and conversation[-1].reply is not None
        return {
            # A question without an answer is on its way back into the box.
            chat: as_messages(conversation) if complete else gr.skip(),
            box: gr.MultimodalTextbox(**value, **READY),
            unsent: None,
            trouble: left.problem if left else NOTHING,
            **parts.beside_with(conversation, desk),
        }

    # The browser runs the listeners of an event one after the other, so this comes first.
    sent.click(None, None, [box, regions, trouble], js=SENT, **QUICK)
    again_asked = [chat.retry, chat.edit, chat.example_select]
    gr.on(again_asked, None, None, [box, trouble], js=ASKING, **QUICK)
    # Every step of a stream makes Gradio build anew each component that might have changed and has
    # not: the message box is not among them, and the others get the value that they have.
    streamed = [chat, board, parts.conversation, parts.desk, asked_last, unsent]
    asked = [parts.conversation, parts.desk, parts.pinned, form, *controls.inputs]
    running: list[Any] = [
        box.submit(send, [box, *asked], streamed, js=SEND, **ANSWERS),
        chat.retry(retry, asked, streamed, **ANSWERS),
        chat.edit(edit, asked, streamed, **ANSWERS),
        chat.example_select(try_example, asked, streamed, **ANSWERS),
    ]
    here = [parts.conversation, parts.desk]
    for event in running:
        event.then(settle, [unsent, *here], [chat, box, unsent, trouble, *parts.beside], **QUICK)
    changed = [*parts.all, box, asked_last]
    box.stop(stopped, [unsent, *here], changed, cancels=running, **QUICK)
    chat.undo(undo, here, changed, cancels=running, **QUICK)
    chat.clear(clear, None, changed, cancels=running, **QUICK)
    wire_remedies(trouble, controls, Task.CHAT)
    wire_side(parts, around, box)
    wire_pinned_list(pins, parts)
    wire_chat_files(files, parts, pins, around, cancels=running)
    wire_chat_link(around, box)


def _build_log(around: PageContext) -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="chat",
        label=say("Conversation"),
        show_label=False,
        container=False,
        layout="bubble",
        height=None,
        buttons=[],  # below each answer are our own, which know its words from its marks
        editable="user",
        placeholder=WELCOME,
        examples=[
            {"text": example.words, "display_text": example.words, "files": [str(example.picture)]}
            for example in around.examples_for(Task.CHAT)
        ],
    )


def _split(conversation: Conversation, index: object) -> tuple[Conversation, Turn | None]:
    """Return the turns before the one that holds message `index`, and that turn.

    The index is the browser's word: one that fits nothing gives everything and no turn.
    """
    message = index[0] if isinstance(index, tuple | list) and index else index
    if not isinstance(message, int) or not 0 <= message < 2 * len(conversation):
        return conversation, None
    return conversation[: message // 2], conversation[message // 2]


def _typed(turn: Turn) -> dict[str, Any]:
    """The turn's question as the message box holds it."""
    return {"text": turn.question, "files": [str(picture.source) for picture in turn.pictures]}


def _starts_anew(model: str, limits: Limits, before: Conversation, turn: Turn) -> tuple[Said, ...]:
    """One line where the model cannot see the conversation that the person sees."""
    if not before:
        return ()
    if limits.history == "none":
        return (Said("{model} answers each question on its own.", {"model": model}),)
    seen = sum(len(past.pictures) for past in before) + len(turn.pictures)
    if not turn.pictures or seen <= limits.max_images:
        return ()
    if limits.max_images == 1:
        words = "{model} sees one picture at a time: it starts anew with this."
    else:
        words = "{model} sees {count} pictures at a time: it starts anew with this."
    return (Said(words, {"model": model, "count": limits.max_images}),)
