"""Inspector: why a place is where it is, and what exactly a model was given."""

from __future__ import annotations

from typing import Any

import gradio as gr

from vlm_demo.families import get_family
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.canvas.canvas_values import canvas_value
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import ANSWERS
from vlm_demo.ui.i18n import say
from vlm_demo.ui.inspector.output import KnownPrompt
from vlm_demo.ui.inspector.output_form import build_output_form
from vlm_demo.ui.inspector.prompt_view import build_prompt_view, find_answer
from vlm_demo.ui.streaming import show_errors


def build_inspector_tab(tab: gr.Tab, page: PageContext) -> None:
    """Lay out the tab and wire it."""
    with gr.Tabs(elem_id="inspector", overflow_behavior="wrap") as halves:
        with gr.Tab(say("Read an output"), id="output"):
            form = build_output_form(tab, page)
        with gr.Tab(say("The prompt behind an answer"), id="prompt") as prompt_half:
            chosen, take_over = build_prompt_view(tab, prompt_half, page)

    def inspect(name: str | None, *answers: AnsweredRequest | None) -> dict[Any, Any]:
        last = find_answer(page, name, answers)
        if last is None:
            return {halves: gr.skip()}
        with show_errors():
            request = last.reopen_request()
            family = get_family(page.backend.route(last.model, request).spec.family)
            prompt = page.backend.inspect(last.model, request).prompt
            seen = prompt.frame.seen if prompt.frame else (None, None)
            return {
                **form.default_sizes,
                **form.show_family(family),
                form.image.image: last.image,
                form.image.canvas: canvas_value(last.image),
                form.raw: last.raw,
                form.family: family.name,
                form.known_prompt: KnownPrompt.of(last.raw, family.name, prompt),
                form.model_width: seen[0],
                form.model_height: seen[1],
                halves: gr.Tabs(selected="output"),
            }
        return {halves: gr.skip()}

    take_over.click(
        inspect,
        [chosen, *page.newest_answers.values()],
        [halves, form.image.canvas, *form.inputs],
        **ANSWERS,
    )
