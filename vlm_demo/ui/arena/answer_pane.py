"""A pane of the arena: one of several answers, with its picture and a line below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.translatable_text import DisplayText
from vlm_demo.ui.components.answer.view import (
    EMPTY_ANSWER,
    PARTLY_UNREADABLE,
    Tone,
    build_answer,
    describe_outcome,
)
from vlm_demo.ui.components.canvas.canvas import build_view_canvas
from vlm_demo.ui.components.canvas.canvas_values import canvas_value, reply_canvas_value
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.values import Mention, Region, Reply, ReplyState, Task

TASKS_WITH_REGIONS = (Task.GROUNDING, Task.GROUNDED_CAPTION, Task.DETECT)
"""Tasks whose answers should contain regions."""


@dataclass(frozen=True, slots=True)
class AnswerPane:
    """The components that show one of several answers."""

    column: gr.Column
    heading: gr.HTML
    canvas: gr.HTML
    answer: gr.HTML
    footer: gr.HTML

    @property
    def components(self) -> list[Any]:
        """All of them, as outputs of an event."""
        return [self.column, self.heading, self.canvas, self.answer, self.footer]

    def clear(
        self, heading: str, image: UploadedImage | None, *, show_image: bool
    ) -> dict[Any, Any]:
        """Return the pane as it looks before the answer comes."""
        return {
            self.column: gr.Column(visible=True),
            self.heading: heading,
            self.canvas: canvas_value(image if show_image else None),
            self.answer: EMPTY_ANSWER,
            self.footer: "",
        }

    def draw(
        self,
        image: UploadedImage | None,
        reply: Reply,
        *,
        show_image: bool,
        regions: Sequence[Region] = (),
    ) -> dict[Component, Any]:
        """Return the canvas with the regions of an answer, or those that the request marks."""
        if image is None or not show_image:
            return {}
        if regions and not has_regions(reply):
            name = " ".join(f"[{number}]" for number, _ in enumerate(regions, start=1))
            reply = replace(reply, mentions=(Mention(name, (0, 0), tuple(regions)),))
        return {self.canvas: reply_canvas_value(image, reply)}


def build_answer_pane(elem_id: str, group: str, *, visible: bool = False) -> AnswerPane:
    """Lay out a pane; the canvases of a `group` zoom together."""
    with gr.Column(visible=visible, min_width=300, elem_id=elem_id, elem_classes="pane") as column:
        return AnswerPane(
            column,
            gr.HTML(elem_classes="pane-heading", apply_default_css=False),
            build_view_canvas(f"{elem_id}-board", group=group),
            build_answer(f"{elem_id}-answer", canvas=f"{elem_id}-board"),
            gr.HTML(elem_classes="pane-foot", apply_default_css=False),
        )


def has_regions(reply: Reply) -> bool:
    """Whether an answer has anything to draw on the picture."""
    return any(mention.regions for mention in reply.mentions)


def describe_regions(task: Task, reply: Reply) -> tuple[DisplayText, Tone]:
    """Say whether a complete answer contains the regions that the task asks for; "" where none."""
    if task not in TASKS_WITH_REGIONS:
        return "", ""
    if reply.state is ReplyState.UNREADABLE:
        return PARTLY_UNREADABLE, "unreadable"
    return describe_outcome(reply)
