"""Chat: a conversation about pictures, with the newest one beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from vlm_demo.ui.chat.asking import ChatAsking, split_at
from vlm_demo.ui.chat.canvas import CANVAS_ID, RegionUpdate, build_thumbnail_strip
from vlm_demo.ui.chat.components import ChatComponents
from vlm_demo.ui.chat.conversation import ChatTurn, Conversation
from vlm_demo.ui.chat.few_shot import FewShotPanel, build_few_shot_panel, wire_few_shot_panel
from vlm_demo.ui.chat.files import ChatFiles, build_chat_files, wire_chat_files
from vlm_demo.ui.chat.message_box import (
    BEGIN_ANSWER,
    EMPTY_MESSAGE_BOX,
    READY,
    SEND,
    UnsentMessage,
    build_message_box,
    to_message,
)
from vlm_demo.ui.chat.messages import chat_messages
from vlm_demo.ui.chat.sidebar import wire_sidebar
from vlm_demo.ui.chat.sidebar_state import ChatSidebarState
from vlm_demo.ui.chat.space import wire_chat_space
from vlm_demo.ui.components.answer.remedy_events import wire_remedies
from vlm_demo.ui.components.answer.view import EMPTY_ANSWER, build_answer
from vlm_demo.ui.components.answer_actions.actions import build_answer_actions
from vlm_demo.ui.components.answer_actions.permalinks import wire_chat_permalink
from vlm_demo.ui.components.answer_actions.space_switch import build_space_switch
from vlm_demo.ui.components.canvas.canvas import build_canvas
from vlm_demo.ui.components.canvas.region_chips import build_region_chips
from vlm_demo.ui.components.model_notice import build_model_notice
from vlm_demo.ui.components.task_form import build_region_form
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import ANSWERS, QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.tabs import Tab
from vlm_demo.values import StopReason, Task

WELCOME = """### Talk about a picture
Paste, drop or attach one, then ask away. Mark regions on it to ask about them."""


@dataclass(frozen=True, slots=True)
class ChatTab:
    """The components of the tab, and what happens on its events."""

    page: PageContext
    components: ChatComponents
    few_shot: FewShotPanel
    files: ChatFiles
    box: gr.MultimodalTextbox
    sent: gr.Button  # hidden: it is pressed when a message is on its way
    region_form: gr.Radio
    unsent: gr.State  # UnsentMessage | None
    space: gr.Dropdown  # what the numbers of the newest answer count

    @property
    def newest_answer(self) -> gr.State:
        """Holds the newest answer of the chat."""
        return self.page.newest_answers[Tab.CHAT]

    def undo(
        self, event: gr.UndoData, conversation: Conversation, sidebar: ChatSidebarState
    ) -> dict[Any, Any]:
        """Take a turn and all later ones out of the conversation."""
        before, turn = split_at(conversation, event.index)
        return {self.newest_answer: None, **self._give_back(before, turn, sidebar)}

    def stop(
        self,
        unsent: UnsentMessage | None,
        conversation: Conversation,
        sidebar: ChatSidebarState,
    ) -> dict[Any, Any]:
        """Keep what was written; where nothing was, give the question back."""
        if unsent:
            shown = self.components.update_all(conversation, sidebar)
            return {**shown, self.box: gr.MultimodalTextbox(value=dict(unsent.message), **READY)}
        if not conversation:
            return self._give_back(conversation, None, sidebar)
        *before, last = conversation
        if last.reply is None:
            return self._give_back((*before,), last, sidebar)
        if last.reply.stop is None:
            last = replace(last, reply=replace(last.reply, stop=StopReason.CANCELLED))
        return self._give_back((*before, last), None, sidebar)

    def _give_back(
        self, before: Conversation, turn: ChatTurn | None, sidebar: ChatSidebarState
    ) -> dict[Any, Any]:
        """Put a question back into the box, and its regions back on the canvas."""
        if turn is None:
            shown = self.components.update_all(before, sidebar)
            return {**shown, self.box: gr.MultimodalTextbox(**READY)}
        if turn.regions:
            sidebar = replace(sidebar, regions=turn.regions, regions_image=turn.newest_image)
        newest = sidebar.show_newest(before)
        shown = self.components.update_all(before, newest, RegionUpdate.REPLACE)
        return {**shown, self.box: gr.MultimodalTextbox(value=to_message(turn), **READY)}

    def clear(self) -> dict[Any, Any]:
        """Begin anew; pinned examples stay, and so does what is in the message box."""
        shown = self.components.update_all((), ChatSidebarState(), RegionUpdate.CLEAR)
        return {**shown, self.newest_answer: None, self.box: gr.MultimodalTextbox(**READY)}

    def finish(
        self,
        unsent: UnsentMessage | None,
        conversation: Conversation,
        sidebar: ChatSidebarState,
    ) -> dict[Any, Any]:
        """Show a complete answer, or put the message back into the box with the problem."""
        value: dict[str, Any] = {"value": unsent.message} if unsent else {}
        is_complete = bool(conversation) and conversation[-1].reply is not None
        return {
            # A question without an answer is on its way back into the box.
            self.components.chat: chat_messages(conversation) if is_complete else gr.skip(),
            self.box: gr.MultimodalTextbox(**value, **READY),
            self.unsent: None,
            self.components.problem: unsent.problem if unsent else EMPTY_ANSWER,
            **self.components.update_sidebar(conversation, sidebar),
        }

    def wire(self) -> None:
        """Connect the components with what happens."""
        page, parts, box = self.page, self.components, self.box
        chat, problem = parts.chat, parts.problem
        asking = ChatAsking(page, parts, self.unsent, page.examples_for(Task.CHAT))
        # The browser runs the listeners of an event one after the other, so this comes first.
        emptied = [box, parts.region_chips, problem]
        self.sent.click(None, None, emptied, js=EMPTY_MESSAGE_BOX, **QUICK)
        asks_again = [chat.retry, chat.edit, chat.example_select]
        gr.on(asks_again, None, None, [box, problem], js=BEGIN_ANSWER, **QUICK)
        inputs = [
            parts.conversation,
            parts.sidebar,
            parts.examples,
            self.region_form,
            *page.controls.inputs,
        ]
        running: list[Any] = [
            box.submit(asking.send, [box, *inputs], asking.outputs, js=SEND, **ANSWERS),
            chat.retry(asking.retry, inputs, asking.outputs, **ANSWERS),
            chat.edit(asking.edit, inputs, asking.outputs, **ANSWERS),
            chat.example_select(asking.try_example, inputs, asking.outputs, **ANSWERS),
        ]
        state = [parts.conversation, parts.sidebar]
        finished = [chat, box, self.unsent, problem, *parts.sidebar_components]
        ended = [
            event.then(self.finish, [self.unsent, *state], finished, **QUICK) for event in running
        ]
        changed = [*parts.conversation_components, box, self.newest_answer]
        ended += [
            box.stop(self.stop, [self.unsent, *state], changed, cancels=running, **QUICK),
            chat.undo(self.undo, state, changed, cancels=running, **QUICK),
            chat.clear(self.clear, None, changed, cancels=running, **QUICK),
        ]
        wire_chat_space(self.space, parts, self.newest_answer, page, after=ended)
        wire_remedies(problem, page.controls, Task.CHAT)
        numbered_image = page.answer_actions.numbered_image
        wire_sidebar(parts, box, page.newest_image, numbered_image, page.settings)
        wire_few_shot_panel(self.few_shot, parts)
        wire_chat_files(
            self.files, parts, self.few_shot, self.newest_answer, page.settings, cancels=running
        )
        wire_chat_permalink(page.permalink_card, box)


def build_chat_tab(_: gr.Tab, page: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    build_model_notice(page.backend, page.controls.model, [Task.CHAT])
    few_shot = build_few_shot_panel()
    with gr.Row(elem_id="chat-row", equal_height=False):
        chat = _build_log(page)
        with gr.Column(elem_id="chat-side", min_width=0):
            thumbnails = build_thumbnail_strip()
            max_bytes = page.settings.max_upload_bytes
            canvas = build_canvas(CANVAS_ID, max_bytes=max_bytes, selectable=True)
    problem = build_answer(
        "chat-problem", run="#chat-box .submit-button", field="#chat-box", image_input="#chat-box"
    )
    region_chips = build_region_chips("chat-regions", "#chat-box textarea")
    box = build_message_box()
    with gr.Accordion(say("How regions reach the model"), open=False, elem_id="chat-form"):
        region_form = build_region_form("chat-region-form", show_label=False, container=False)
    conversation, sidebar = gr.State(()), gr.State(ChatSidebarState())
    space = build_space_switch(Tab.CHAT.slug)
    build_answer_actions(
        Tab.CHAT,
        page.answer_actions,
        page.newest_answers[Tab.CHAT],
        regions=sidebar,
        read_drawn=lambda sidebar: sidebar.regions,
        turns=conversation,
    )
    page.render_follow_ups(Tab.CHAT)
    files = build_chat_files()
    components = ChatComponents(
        *(chat, canvas, thumbnails, problem, region_chips),
        conversation=conversation,
        sidebar=sidebar,
        examples=gr.State(()),
    )
    sent = gr.Button("", visible="hidden", elem_id="chat-sent")
    unsent = gr.State(None)
    ChatTab(page, components, few_shot, files, box, sent, region_form, unsent, space).wire()


def _build_log(page: PageContext) -> gr.Chatbot:
    return gr.Chatbot(
        elem_id="chat",
        label=say("Conversation"),
        show_label=False,
        container=False,
        layout="bubble",
        height=None,
        buttons=[],  # below each answer are our own, which can tell its text from its marks
        editable="user",
        placeholder=WELCOME,
        examples=[
            {"text": example.text, "display_text": example.text, "files": [str(example.image)]}
            for example in page.examples_for(Task.CHAT)
        ],
    )
