"""The components of the chat that its events share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.ui.chat.canvas import Desk, Marking, board_value
from vlm_demo.ui.chat.conversation import Conversation, as_messages
from vlm_demo.ui.components.answer.view import NOTHING
from vlm_demo.ui.components.canvas.region_chips import chips


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What shows a conversation, and what holds it on the server."""

    chat: gr.Chatbot
    board: gr.HTML
    trouble: gr.HTML  # why there is no answer, and what can be done
    shelf: gr.HTML
    regions: gr.HTML
    conversation: gr.State  # Conversation
    desk: gr.State  # Desk
    pinned: gr.State  # tuple[Turn, ...]: examples that go before every request

    @property
    def beside(self) -> list[Component]:
        """What changes where another picture is looked at."""
        return [self.board, self.regions, self.desk]

    @property
    def all(self) -> list[Component]:
        """What changes with the conversation."""
        return [self.chat, self.conversation, self.trouble, *self.beside]

    def beside_with(
        self, conversation: Conversation, desk: Desk, marking: Marking = Marking.LEFT
    ) -> dict[Component, Any]:
        """Show what lies beside a conversation."""
        return {
            self.board: board_value(conversation, desk, marking),
            self.regions: chips(desk.marked),
            self.desk: desk,
        }

    def all_with(
        self, conversation: Conversation, desk: Desk, marking: Marking = Marking.LEFT
    ) -> dict[Component, Any]:
        """Show a conversation."""
        messages = as_messages(conversation)
        return {
            self.trouble: NOTHING,
            **self.beside_with(conversation, desk, marking),
            **self.growing_with(conversation, desk, marking, messages),
        }

    def growing_with(
        self,
        conversation: Conversation,
        desk: Desk,
        marking: Marking,
        messages: Sequence[dict[str, Any]],
    ) -> dict[Component, Any]:
        """Show what changes while an answer is written."""
        return {
            self.chat: list(messages),
            self.conversation: conversation,
            self.board: board_value(conversation, desk, marking),
        }
