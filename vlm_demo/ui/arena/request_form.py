"""The fields that say what several models are asked."""

from __future__ import annotations

import gradio as gr

from vlm_demo.ui.components.image_input import require_image
from vlm_demo.ui.components.task_form import (
    TASK_LABELS,
    build_text_field,
    check_text,
    update_text_field,
)
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.values import Task

TASKS = {
    TASK_LABELS[task]: task
    for task in (Task.CHAT, Task.CAPTION, Task.GROUNDED_CAPTION, Task.VQA, Task.GROUNDING)
}
"""Tasks that several models can be given, by their name on the page."""


def build_task_fields(view: str) -> tuple[gr.Radio, gr.Textbox]:
    """Lay out the choice of the task and the field for its text, and keep them in step.

    Args:
        view: the beginning of their ids.
    """
    task = gr.Radio(
        [(say(name), name) for name in TASKS],
        value=TASK_LABELS[Task.CHAT],
        label=say("Task"),
        elem_id=f"{view}-task",
    )
    text = build_text_field(Task.CHAT, f"{view}-words")
    task.change(lambda name: update_text_field(TASKS[name]), task, text, **QUICK)
    return task, text


def check_request(task: Task, text: str, image: UploadedImage | None) -> None:
    """Refuse a request that lacks its picture or its text, before any model is asked.

    Raises:
        InputError: something is missing; the message says what to add.
    """
    if task is not Task.CHAT:
        require_image(image)
    check_text(task, text)
