"""What asks the model in the chat: a message, a retry, an edited question, an example."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.prompting.family import FamilyLimits
from vlm_demo.ui.chat.canvas import RegionUpdate
from vlm_demo.ui.chat.components import ChatComponents
from vlm_demo.ui.chat.conversation import (
    ChatTurn,
    Conversation,
    build_request,
    history_images,
    select_images,
)
from vlm_demo.ui.chat.few_shot import select_examples
from vlm_demo.ui.chat.message_box import UnsentMessage, to_message
from vlm_demo.ui.chat.messages import chat_messages, turn_messages
from vlm_demo.ui.chat.sidebar_state import ChatSidebarState
from vlm_demo.ui.components.answer.answer_stream import stream_answer
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.answer.remedies import problem_value
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.components.settings.request_settings import RequestSettings
from vlm_demo.ui.components.uploaded_images import accept_image
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.html_values import TranslatableText
from vlm_demo.ui.streaming import show_errors
from vlm_demo.ui.tabs import Tab
from vlm_demo.values import RegionForm, Reply, Task

Updates = Iterator[Any]


@dataclass(frozen=True, slots=True)
class ChatAsking:
    """The events that ask the model, and the components that their answers change."""

    page: PageContext
    components: ChatComponents
    unsent: gr.State  # UnsentMessage | None
    page_examples: Sequence[Example]

    @property
    def newest_answer(self) -> gr.State:
        """Holds the newest answer of the chat."""
        return self.page.newest_answers[Tab.CHAT]

    @property
    def outputs(self) -> list[Any]:
        """The components that a stream changes.

        At every step, Gradio rebuilds each component that might have changed and has not. So the
        message box is not among them, and the others always get a value.
        """
        parts = self.components
        return [
            parts.chat,
            parts.canvas,
            parts.conversation,
            parts.sidebar,
            self.newest_answer,
            self.unsent,
        ]

    def answer(
        self,
        before: Conversation,
        turn: ChatTurn,
        sidebars: tuple[ChatSidebarState, ChatSidebarState],
        values: Sequence[Any],
    ) -> Updates:
        """Stream the answer to a turn; when it fails, the question goes back into the box.

        Args:
            before: the turns before it.
            turn: the question.
            sidebars: the state of the sidebar before, and that from now on.
            values: the few-shot examples, the form of regions, and the generation settings.
        """
        backend, parts = self.page.backend, self.components
        sidebar_before, sidebar = sidebars
        examples, region_form, *settings = values
        try:
            choice = RequestSettings.read(backend, *settings)
            limits = get_family(backend.spec(choice.model).family).limits
            shots, left_out = select_examples(examples, before, turn, limits, choice.model)
            earlier = (*shots, *before)
            restart = _describe_restart(choice.model, limits, before, turn)
            turn = replace(
                turn,
                model=choice.model,
                visible_images=select_images(limits, earlier, turn, RegionForm(region_form)),
                notes=(*turn.notes, *left_out, *restart),
            )
            past_messages = chat_messages(before)
            update = RegionUpdate.KEEP if sidebar.regions else RegionUpdate.CLEAR

            def show() -> dict[Any, Any]:
                conversation = (*before, turn)
                messages = [*past_messages, *turn_messages(turn, len(before), growing=True)]
                shown = sidebar.show_newest_answer(conversation)
                return parts.update_growing(conversation, shown, update, messages)

            first: dict[Any, Any] = {
                parts.sidebar: sidebar.show_newest_answer((*before, turn)),
                self.unsent: None,
            }
            if turn.visible_images:
                yield show() | {self.unsent: None}  # opening pictures may take a while
            request = build_request(earlier, turn, choice.sampling, RegionForm(region_form))
            shown = show()
            for state in stream_answer(backend, choice.model, request):
                match state:
                    case Waiting():
                        turn = replace(turn, waiting=state)
                        shown = show()
                    case Reply():
                        turn = replace(turn, reply=state)
                        answer = AnsweredRequest.record(
                            choice.model, request, state, turn.images, history_images(earlier)
                        )
                        shown = show() | {self.newest_answer: answer}
                    case None:
                        pass  # a heartbeat: Gradio sends the differences, of which there are none
                yield shown | first
                first = {}
        except Exception as error:  # whatever it is, nothing written is lost
            sidebar = replace(sidebar_before, next_image=None)
            messages = chat_messages(before)
            restored = parts.update_growing(before, sidebar, RegionUpdate.REPLACE, messages)
            problem = problem_value(error, backend, settings[0], Task.CHAT, turn.reply)
            yield {
                **restored,
                parts.sidebar: sidebar,
                self.unsent: UnsentMessage(to_message(turn), problem),
            }

    def send(
        self,
        message: Mapping[str, Any],
        before: Conversation,
        sidebar: ChatSidebarState,
        *values: Any,
    ) -> Updates:
        """Send the message in the box."""
        text, files = message.get("text") or "", message.get("files") or []
        if files or not text.strip():
            yield {self.unsent: UnsentMessage(message)}  # until it is part of the conversation
        try:
            images = [accept_image(Path(file), self.page.settings) for file in files]
            turn = sidebar.build_turn(text, images, before)
        except InputError as error:
            _, _, model, *_ = values
            problem = problem_value(error, self.page.backend, model, Task.CHAT)
            yield {self.unsent: UnsentMessage(message, problem)}
            return
        yield from self.answer(before, turn, (sidebar, ChatSidebarState()), values)

    def retry(
        self,
        event: gr.RetryData,
        conversation: Conversation,
        sidebar: ChatSidebarState,
        *values: Any,
    ) -> Updates:
        """Ask the same again."""
        yield gr.skip()
        before, turn = split_at(conversation, event.index)
        if turn:
            yield from self._ask_again(before, turn, turn.question, sidebar, values)

    def edit(
        self,
        event: gr.EditData,
        conversation: Conversation,
        sidebar: ChatSidebarState,
        *values: Any,
    ) -> Updates:
        """Ask an edited question in place of the first one."""
        yield gr.skip()
        before, turn = split_at(conversation, event.index)
        if turn:
            # The chat shows escaped text, and sends back what it shows.
            question = html.unescape(str(event.value))
            yield from self._ask_again(before, turn, question, sidebar, values)

    def _ask_again(
        self,
        before: Conversation,
        turn: ChatTurn,
        question: str,
        sidebar: ChatSidebarState,
        values: Sequence[Any],
    ) -> Updates:
        new = ChatTurn(question, turn.images, regions=turn.regions)
        yield from self.answer(before, new, (sidebar, sidebar), values)

    def try_example(
        self, event: gr.SelectData, before: Conversation, sidebar: ChatSidebarState, *values: Any
    ) -> Updates:
        """Ask what one of the page's examples asks."""
        yield gr.skip()
        index = event.index if isinstance(event.index, int) else 0
        if not 0 <= index < len(self.page_examples):
            return
        example = self.page_examples[index]
        with show_errors():
            image = accept_image(example.image, self.page.settings, example.title)
            turn = ChatTurn(example.text, (image,))
            yield from self.answer(before, turn, (sidebar, sidebar), values)


def split_at(conversation: Conversation, index: object) -> tuple[Conversation, ChatTurn | None]:
    """Return the turns before the one that holds message `index`, and that turn.

    A browser may send any index: one that does not exist gives all turns, and no turn.
    """
    message = index[0] if isinstance(index, tuple | list) and index else index
    if not isinstance(message, int) or not 0 <= message < 2 * len(conversation):
        return conversation, None
    return conversation[: message // 2], conversation[message // 2]


def _describe_restart(
    model: str, limits: FamilyLimits, before: Conversation, turn: ChatTurn
) -> tuple[TranslatableText, ...]:
    """Say in one line that the model cannot see the conversation that the person sees."""
    if not before:
        return ()
    if limits.history == "none":
        return (TranslatableText("{model} answers each question on its own.", {"model": model}),)
    count = sum(len(past.images) for past in before) + len(turn.images)
    if not turn.images or count <= limits.max_images:
        return ()
    if limits.max_images == 1:
        template = "{model} sees one picture at a time: it starts over with this one."
    else:
        template = "{model} sees {count} pictures at a time: it starts over with this."
    return (TranslatableText(template, {"model": model, "count": limits.max_images}),)
