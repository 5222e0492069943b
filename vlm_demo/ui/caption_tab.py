"""Caption: a picture in words, in one sentence or in detail, continued or with places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.types import Request, Task
from vlm_demo.ui.answer import NOTHING, answer, waiting, written
from vlm_demo.ui.asked import Asked
from vlm_demo.ui.examples import Example
from vlm_demo.ui.generation import Choice
from vlm_demo.ui.model_choice import build_notice
from vlm_demo.ui.picture_input import (
    build_examples,
    build_picture_input,
    wanted,
    wire_examples,
    wire_picture_input,
)
from vlm_demo.ui.pictures import Picture
from vlm_demo.ui.presenting import places_found
from vlm_demo.ui.region_image import located, shown
from vlm_demo.ui.streaming import answers, errors_shown
from vlm_demo.ui.tab import ANSWERS, QUICK, Surroundings, build_run_buttons

SHORT, DETAILED, CONTINUED, GROUNDED = "Short", "Detailed", "Continue", "With places"
STYLES = {
    SHORT: Task.CAPTION,
    DETAILED: Task.DETAILED_CAPTION,
    CONTINUED: Task.CAPTION,
    GROUNDED: Task.GROUNDED_CAPTION,
}


def build_caption_tab(tab: gr.Tab, around: Surroundings) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, controls = around.backend, around.controls
    asked_last = around.asked["Caption"]
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_picture_input("caption-picture", around)
        with gr.Column(scale=5, min_width=300):
            style = gr.Radio(list(STYLES), value=SHORT, label="Style", elem_id="caption-style")
            beginning = gr.Textbox(
                label="Beginning",
                info="The model goes on from here",
                placeholder="There is a",
                visible=False,
                max_lines=3,
                elem_id="caption-beginning",
            )
            buttons = build_run_buttons("Caption", "caption")
            build_notice(
                backend, controls.model, [Task.CAPTION], [buttons.run], style=style, styles=STYLES
            )
            result = answer("caption-answer", board="caption-picture")
            around.place_again("Caption")
            tries = build_examples(around.examples_for(*dict.fromkeys(STYLES.values())))

    def caption(picture: Picture | None, kind: str, start: str, *settings: Any) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            picture = wanted(picture)
            yield {**buttons.asking, result: waiting(), own.board: shown(picture)}
            choice = Choice.of(backend, *settings)
            words = start if kind == CONTINUED else ""
            request = Request(STYLES[kind], words, (picture.open(),), sampling=choice.sampling)
            newest = None
            for reply in answers(backend, choice.model, request):
                if reply is None:
                    yield {result: gr.skip()}
                    continue
                newest = reply
                yield {
                    result: written(reply, busy=True),
                    own.board: located(picture, reply),
                    asked_last: Asked.now(choice.model, request, reply.raw, [picture]),
                }
            if newest is not None:
                note, tone = places_found(newest) if kind == GROUNDED else ("", "")
                yield {result: written(newest, busy=False, note=note, tone=tone)}

    def filled(example: Example) -> Mapping[Component, Any]:
        kind = CONTINUED if example.words else _style_of(example.task)
        return {
            style: kind,
            beginning: gr.Textbox(example.words, visible=kind == CONTINUED),
            **cleared,
        }

    cleared: dict[Component, Any] = {result: NOTHING, asked_last: None}
    asking = gr.on(
        [buttons.run.click, beginning.submit],
        caption,
        [own.picture, style, beginning, *controls.inputs],
        [result, own.board, buttons.run, buttons.stop, asked_last],
        **ANSWERS,
    )
    buttons.wire(asking, result)
    style.change(lambda kind: gr.Textbox(visible=kind == CONTINUED), style, beginning, **QUICK)
    wire_picture_input(tab, around, own, cleared, cancels=[asking])
    wire_examples(
        tries,
        around,
        own,
        filled,
        [style, beginning, *cleared],
        run=buttons.run,
        cancels=[asking],
    )


def _style_of(task: Task) -> str:
    return next(style for style, other in STYLES.items() if other is task)
