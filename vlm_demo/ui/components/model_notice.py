"""The notice on a tab that the chosen model cannot serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.families import get_family
from vlm_demo.translatable_text import (
    DisplayText,
    TextValues,
    TranslatableText,
    as_text,
    join_texts,
    message,
)
from vlm_demo.ui.components.task_form import TASK_LABELS
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.html_values import translatable_html
from vlm_demo.values import Task

MAX_OFFERED = 4
"""Largest number of models that are named where the chosen one cannot do a task."""


def build_model_notice(
    backend: Backend,
    model: gr.Dropdown,
    tasks: Sequence[Task],
    buttons: Sequence[gr.Button] = (),
    *,
    style: gr.Radio | None = None,
    styles: Mapping[str, Task] | None = None,
) -> None:
    """Say on a tab when the chosen model cannot serve it, and which models can.

    The model has to support one of the tasks, or that of the chosen style.
    """
    first = backend.menu[0]
    notice = gr.HTML(
        _notice_html(backend, first.name, tasks),
        visible=not any(first.supports(task) for task in tasks),
        apply_default_css=False,
    )

    def show(name: str, kind: str | None = None) -> dict[Any, Any]:
        needed = [styles[kind]] if styles and kind else tasks
        can_serve = any(backend.spec(name).supports(task) for task in needed)
        return {
            notice: gr.HTML(_notice_html(backend, name, needed), visible=not can_serve),
            **{button: gr.Button(interactive=can_serve) for button in buttons},
        }

    choices: list[Any] = [model, *([style] if style else [])]
    gr.on([choice.change for choice in choices], show, choices, [notice, *buttons], **QUICK)


def notice_text(backend: Backend, name: str, tasks: Sequence[Task]) -> DisplayText:
    """Say why a model cannot do the task of a tab, and which models can."""
    spec = backend.spec(name)
    able = list(dict.fromkeys(other for task in tasks for other in backend.models_for(task)))
    family = get_family(spec.family)
    template = message("{name} does not support “{task}”: {title} models do not.")
    if spec.is_exception(tasks[0]):
        template = message("{name} does not support “{task}”: it was not trained for it.")
    elif family.unsupported_reason:
        template = message("{name} does not support “{task}”: {reason}.")
    values: TextValues = {
        "name": name,
        "task": TranslatableText(TASK_LABELS[tasks[0]]),
        "title": as_text(family.title),
        "reason": TranslatableText(family.unsupported_reason),
    }
    return join_texts(TranslatableText(template, values), _list_able(able))


def _list_able(able: Sequence[str]) -> DisplayText:
    """Name models that can do a task; "" without any."""
    if not able:
        return ""
    names, more = ", ".join(able[:MAX_OFFERED]), len(able) - MAX_OFFERED
    if more <= 0:
        return TranslatableText("Models that do: {names}.", {"names": names})
    return TranslatableText(
        "Models that do: {names} and {count} more, in the view Models.",
        {"names": names, "count": more},
    )


def _notice_html(backend: Backend, name: str, tasks: Sequence[Task]) -> str:
    return f'<p class="notice">{translatable_html(notice_text(backend, name, tasks))}</p>'
