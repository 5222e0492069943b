"""What a task is called and asked with: labels, the field for its text, the styles of captions."""

from __future__ import annotations

import gradio as gr
from gradio.i18n import I18nData

from vlm_demo.errors import InputError
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.ui.i18n import say
from vlm_demo.values import Task

TASK_LABELS = {
    Task.CHAT: message("Chat"),
    Task.CAPTION: message("Caption"),
    Task.DETAILED_CAPTION: message("Caption in detail"),
    Task.GROUNDED_CAPTION: message("Grounded caption"),
    Task.VQA: message("Ask"),
    Task.GROUNDING: message("Find objects"),
    Task.DESCRIBE_REGION: message("Describe a region"),
}
"""What the page calls each task."""

TEXT_FIELDS = {
    Task.CHAT: (message("Message"), message("Ask about the image, or about anything")),
    Task.VQA: (message("Question"), message("What colour is the circle?")),
    Task.GROUNDING: (message("Objects to find"), message("cat, red circle")),
}
"""Label and placeholder of the text field, for each task that needs a text."""

TASKS_WITHOUT_TEXT = (
    Task.CAPTION,
    Task.DETAILED_CAPTION,
    Task.GROUNDED_CAPTION,
    Task.DESCRIBE_REGION,
)
"""Tasks that are asked without a text."""

SHORT, DETAILED, CONTINUED, GROUNDED = "Short", "Detailed", "Continue", "With places"

CAPTION_STYLES = {
    SHORT: Task.CAPTION,
    DETAILED: Task.DETAILED_CAPTION,
    CONTINUED: Task.CAPTION,
    GROUNDED: Task.GROUNDED_CAPTION,
}
"""The task of each style in which a whole picture can be captioned."""


def build_text_field(task: Task, elem_id: str) -> gr.Textbox:
    """Lay out the field for the text of a task that needs one."""
    label, hint = TEXT_FIELDS[task]
    return gr.Textbox(label=say(label), placeholder=say(hint), max_lines=4, elem_id=elem_id)


def update_text_field(task: Task) -> gr.Textbox:
    """Return the field for the text as another task needs it, hidden where it needs none."""
    if task in TASKS_WITHOUT_TEXT:
        return gr.Textbox(visible=False)
    label, hint = TEXT_FIELDS[task]
    return gr.Textbox(label=say(label), placeholder=say(hint), visible=True)


def build_inline_field(
    label: I18nData, placeholder: I18nData, elem_id: str, *, max_lines: int
) -> gr.Textbox:
    """Lay out a field that shares its row with a button; only screen readers get its label."""
    return gr.Textbox(
        label=label,
        placeholder=placeholder,
        show_label=False,
        container=False,
        max_lines=max_lines,
        scale=8,
        min_width=200,
        elem_id=elem_id,
    )


def check_text(task: Task, text: str) -> None:
    """Refuse an empty text where the task needs one.

    Raises:
        InputError: the text is missing; the message names the field.
    """
    if task not in TASKS_WITHOUT_TEXT and not text.strip():
        raise InputError("Fill in “{field}” first.", field=TranslatableText(TEXT_FIELDS[task][0]))
