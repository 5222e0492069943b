"""The components of the chat that its events share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.ui.chat_board import Desk, Marking, board_value
from vlm_demo.ui.conversation import Conversation, as_messages
from vlm_demo.ui.region_chips import chips


@dataclass(frozen=True, slots=True)
class ChatParts:
    """What shows a conversation, and what holds it on the server."""

    chat: gr.Chatbot
    board: gr.HTML
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
        return [self.chat, self.conversation, *self.beside]

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
        self,
        conversation: Conversation,
        desk: Desk,
        marking: Marking = Marking.LEFT,
        *,
        messages: Sequence[dict[str, Any]] | None = None,
    ) -> dict[Component, Any]:
        """Show a conversation; its messages may be there already."""
        return {
            self.chat: as_messages(conversation) if messages is None else list(messages),
            self.conversation: conversation,
            **self.beside_with(conversation, desk, marking),
        }
