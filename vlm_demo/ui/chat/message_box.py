"""The message box of the chat, and messages that go back into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.ui import browser_files
from vlm_demo.ui.chat.conversation import ChatTurn
from vlm_demo.ui.components.answer.view import EMPTY_ANSWER
from vlm_demo.ui.i18n import say

BEGIN_ANSWER = browser_files.read("chat/begin_answer.js")
EMPTY_MESSAGE_BOX = browser_files.read("chat/empty_message_box.js")
SEND = browser_files.read("chat/send.js")

READY: dict[str, Any] = {"submit_btn": True, "stop_btn": False}
"""How the message box looks while no answer is written."""


@dataclass(frozen=True, slots=True)
class UnsentMessage:
    """A message without an answer: it goes back into the box."""

    message: Mapping[str, Any]
    problem: str = EMPTY_ANSWER  # value of the component that says why


def build_message_box() -> gr.MultimodalTextbox:
    """Lay out the message box."""
    return gr.MultimodalTextbox(
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


def to_message(turn: ChatTurn) -> dict[str, Any]:
    """Return a turn's question as the message box holds it."""
    return {"text": turn.question, "files": [str(image.source) for image in turn.images]}
