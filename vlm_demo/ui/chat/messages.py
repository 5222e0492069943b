"""The messages that the page shows of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vlm_demo.prompting.stop_notes import stop_note
from vlm_demo.ui.chat.conversation import ChatTurn
from vlm_demo.ui.components.answer.markdown import escape_markdown, mentions_markdown, note_html
from vlm_demo.ui.components.answer.view import PARTLY_UNREADABLE, SPACE_UNKNOWN
from vlm_demo.ui.html_values import TranslatableText
from vlm_demo.units import format_rate, format_seconds
from vlm_demo.values import Reply, ReplyState, Timing

UNREADABLE = TranslatableText("The answer contains places that cannot be read.")


def chat_messages(conversation: Sequence[ChatTurn]) -> list[dict[str, Any]]:
    """Return what the chat shows: two messages a turn, so that an index of one names the turn."""
    return [
        message for index, turn in enumerate(conversation) for message in turn_messages(turn, index)
    ]


def turn_messages(turn: ChatTurn, index: int, *, growing: bool = False) -> list[dict[str, Any]]:
    """Return the two messages of the turn at `index` of a conversation.

    There is nothing below an answer that is still growing: the browser would lay it out at each
    step.
    """
    below = [] if growing or turn.reply is None else _notes_below(turn.reply)
    return [
        {"role": "user", "content": _question_content(turn)},
        {"role": "assistant", "content": [*_answer_content(turn, index), *below]},
    ]


def _question_content(turn: ChatTurn) -> list[Any]:
    images = [_file_content(image.display_copy, image.name) for image in turn.images]
    return [*images, *([escape_markdown(turn.question)] if turn.question.strip() else [])]


def _answer_content(turn: ChatTurn, index: int) -> list[Any]:
    reply = turn.reply
    notes = [note_html(note, "note") for note in turn.notes]
    if reply is None:
        waiting = note_html(turn.waiting.text, "waiting") if turn.waiting else "…"
        return [*notes, waiting]
    if reply.note:
        notes.append(note_html(reply.note, "note"))
    reasoning = [_fold("Reasoning", reply.reasoning)] if reply.reasoning else []
    # Regions are numbered as on the canvas: first those of the question, then those of the answer.
    text = mentions_markdown(reply, f"chat-{index}", len(turn.regions)) or "*(no words)*"
    return [*notes, *reasoning, text]


def _notes_below(reply: Reply) -> list[str]:
    """Return what stands below a complete answer."""
    problems = {
        ReplyState.PARTLY_UNREADABLE: PARTLY_UNREADABLE,
        ReplyState.UNREADABLE: UNREADABLE,
        ReplyState.SPACE_UNKNOWN: SPACE_UNKNOWN,
    }
    problem = [note_html(problems[reply.state], "note")] if reply.state in problems else []
    stopped = [note_html(note, "note")] if (note := stop_note(reply)) else []
    return [*problem, *stopped, note_html(_describe_timing(reply.timing), "pace")]


def _describe_timing(timing: Timing | None) -> TranslatableText:
    """Say how fast an answer came; an answer from a file may not know."""
    if timing is None:
        return TranslatableText("")
    time, tokens = format_seconds(timing.seconds), f"{timing.tokens:,}"
    if timing.tokens_per_s:
        rate = format_rate(timing.tokens_per_s)
        return TranslatableText(
            "{time} · {tokens} tokens · {rate} tokens/s",
            {"time": time, "tokens": tokens, "rate": rate},
        )
    return TranslatableText("{time}", {"time": time})


def _fold(title: str, text: str) -> str:
    """Write Markdown that shows a title, and the text at a click."""
    summary = note_html(title, "reasoning")
    return f"<details><summary>{summary}</summary>\n\n{escape_markdown(text)}\n\n</details>"


def _file_content(path: Path, description: str) -> dict[str, str]:
    return {"path": str(path), "alt_text": description}
