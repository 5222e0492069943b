"""What several models are asked and which they are, as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.translatable_text import DisplayText, TranslatableText
from vlm_demo.ui.components.model_card import facts_html
from vlm_demo.ui.components.task_form import TASK_LABELS
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.html_values import translatable_html
from vlm_demo.values import Message, Task

_ROLES = {
    "user": "<b data-say>You</b>",
    "assistant": "<b data-say>Model</b>",
    "system": "<b data-say>System</b>",
}


def request_card(
    task: Task,
    text: str,
    images: Sequence[UploadedImage],
    *,
    history: Sequence[Message] = (),
    notes: Sequence[DisplayText] = (),
) -> str:
    """HTML of a request: its pictures, its text, and the conversation before it."""
    thumbnails = "".join(
        f'<img src="{html.escape(image.url)}" alt="{html.escape(image.name)}">' for image in images
    )
    name = TASK_LABELS.get(task, task.replace("_", " ").capitalize())
    small = f"<small>{' · '.join(map(translatable_html, notes))}</small>" if notes else ""
    return (
        f'<div class="request-card"><div class="thumbs">{thumbnails}</div><div class="asked">'
        f'<span class="task" data-say>{html.escape(name)}</span><p>{html.escape(text.strip())}</p>'
        f"{_earlier_turns(history)}{small}</div></div>"
    )


def _earlier_turns(history: Sequence[Message]) -> str:
    turns = sum(message.role == "user" for message in history)
    if not turns:
        return ""
    messages = "".join(
        f"<li>{_ROLES[message.role]} {html.escape(message.text)}</li>" for message in history
    )
    count = (
        TranslatableText("After one earlier turn")
        if turns == 1
        else TranslatableText("After {count} earlier turns", {"count": turns})
    )
    return f"<details><summary>{translatable_html(count)}</summary><ol>{messages}</ol></details>"


def model_heading(spec: ModelSpec) -> str:
    """HTML of a model's name, size and licence, and of where it runs."""
    return f"<b>{translatable_html(spec.title or spec.name)}</b><span>{facts_html(spec)}</span>"


def word_count(text: str) -> str:
    """HTML that says how long a text is."""
    words = len(text.split())
    return translatable_html(
        TranslatableText("1 word")
        if words == 1
        else TranslatableText("{count} words", {"count": words})
    )
