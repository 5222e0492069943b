"""The components of the chat that its events share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.ui.chat.canvas import RegionUpdate, chat_canvas_value
from vlm_demo.ui.chat.conversation import Conversation
from vlm_demo.ui.chat.messages import chat_messages
from vlm_demo.ui.chat.sidebar_state import ChatSidebarState
from vlm_demo.ui.components.answer.view import EMPTY_ANSWER
from vlm_demo.ui.components.canvas.region_chips import region_chips_value


@dataclass(frozen=True, slots=True)
class ChatComponents:
    """The components that show a conversation, and those that hold it on the server."""

    chat: gr.Chatbot
    canvas: gr.HTML
    thumbnails: gr.HTML
    problem: gr.HTML  # why there is no answer, and what can be done
    region_chips: gr.HTML
    conversation: gr.State  # Conversation
    sidebar: gr.State  # ChatSidebarState
    examples: gr.State  # Conversation: few-shot examples that go before every request

    @property
    def sidebar_components(self) -> list[Component]:
        """The components that change when another picture is looked at."""
        return [self.canvas, self.region_chips, self.sidebar]

    @property
    def conversation_components(self) -> list[Component]:
        """The components that change with the conversation."""
        return [self.chat, self.conversation, self.problem, *self.sidebar_components]

    def update_sidebar(
        self,
        conversation: Conversation,
        sidebar: ChatSidebarState,
        update: RegionUpdate = RegionUpdate.KEEP,
    ) -> dict[Component, Any]:
        """Show the sidebar of a conversation."""
        return {
            self.canvas: chat_canvas_value(conversation, sidebar, update),
            self.region_chips: region_chips_value(sidebar.regions),
            self.sidebar: sidebar,
        }

    def update_all(
        self,
        conversation: Conversation,
        sidebar: ChatSidebarState,
        update: RegionUpdate = RegionUpdate.KEEP,
    ) -> dict[Component, Any]:
        """Show a conversation."""
        messages = chat_messages(conversation)
        return {
            self.problem: EMPTY_ANSWER,
            **self.update_sidebar(conversation, sidebar, update),
            **self.update_growing(conversation, sidebar, update, messages),
        }

    def update_growing(
        self,
        conversation: Conversation,
        sidebar: ChatSidebarState,
        update: RegionUpdate,
        messages: Sequence[dict[str, Any]],
    ) -> dict[Component, Any]:
        """Show what changes while an answer is written."""
        return {
            self.chat: list(messages),
            self.conversation: conversation,
            self.canvas: chat_canvas_value(conversation, sidebar, update),
        }
