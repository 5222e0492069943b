"""The choice of what the numbers of the chat's newest answer count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from vlm_demo.ui.chat.components import ChatComponents
from vlm_demo.ui.chat.conversation import Conversation
from vlm_demo.ui.chat.sidebar_state import ChatSidebarState
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.answer_actions.space_switch import reread_answer, space_switch_value
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.streaming import show_errors


def wire_chat_space(
    space: gr.Dropdown,
    parts: ChatComponents,
    newest_answer: gr.State,
    page: PageContext,
    *,
    after: Sequence[Any],
) -> None:
    """Show the choice once an answer is complete, and read it again when it is changed.

    Args:
        space: the choice.
        parts: the components of the conversation.
        newest_answer: holds the newest answer of the chat.
        page: what the tabs share.
        after: the events after which the newest answer may be another one.
    """

    def show(answer: AnsweredRequest | None) -> gr.Dropdown:
        return space_switch_value(page.backend, answer)

    def change(
        answer: AnsweredRequest | None,
        chosen: str,
        conversation: Conversation,
        sidebar: ChatSidebarState,
    ) -> dict[Any, Any]:
        last = conversation[-1] if conversation else None
        if answer is None or last is None or last.reply is None or last.reply.raw != answer.raw:
            return {space: gr.skip()}
        with show_errors():
            answer = reread_answer(page.backend, page.settings, answer, chosen)
            turns = (*conversation[:-1], replace(last, reply=answer.reply))
            return {newest_answer: answer, **parts.update_all(turns, sidebar)}
        return {space: gr.skip()}

    for event in after:
        event.then(show, newest_answer, space, **QUICK)
    space.input(
        change,
        [newest_answer, space, parts.conversation, parts.sidebar],
        [newest_answer, space, *parts.conversation_components],
        **QUICK,
    )
