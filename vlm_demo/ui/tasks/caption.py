"""Caption: a picture in words, in one sentence or in detail, continued or with places.

Or what is in the places that are marked on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.errors import InputError
from vlm_demo.ui.components.answer.answered_request import Asked
from vlm_demo.ui.components.answer.remedies import problem, wire_remedies
from vlm_demo.ui.components.answer.text import places_found
from vlm_demo.ui.components.answer.view import NOTHING, answer, waiting, written
from vlm_demo.ui.components.answer_actions.actions import build_keeping
from vlm_demo.ui.components.answer_actions.permalink_format import Link
from vlm_demo.ui.components.answer_actions.permalinks import wire_link
from vlm_demo.ui.components.canvas.canvas import located, shown
from vlm_demo.ui.components.model_choice import build_notice
from vlm_demo.ui.components.picture_input.examples import Example
from vlm_demo.ui.components.picture_input.input import (
    build_examples,
    build_picture_input,
    wanted,
    wire_examples,
    wire_picture_input,
)
from vlm_demo.ui.components.picture_input.pictures import Picture
from vlm_demo.ui.components.settings.panel import Choice
from vlm_demo.ui.context import PageContext, build_run_buttons
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import awaited
from vlm_demo.values import Region, Reply, Request, Task

SHORT, DETAILED, CONTINUED, GROUNDED = "Short", "Detailed", "Continue", "With places"
MARKED = "Marked regions"
STYLES = {
    SHORT: Task.CAPTION,
    DETAILED: Task.DETAILED_CAPTION,
    CONTINUED: Task.CAPTION,
    GROUNDED: Task.GROUNDED_CAPTION,
}
"""Captions of a whole picture."""

TASKS = {**STYLES, MARKED: Task.DESCRIBE_REGION}
"""What the tab can be asked for."""


def build_caption_tab(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, controls = around.backend, around.controls
    asked_last = around.asked["Caption"]
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_picture_input("caption-picture", around, selectable=True)
        with gr.Column(scale=5, min_width=300):
            style = gr.Radio(
                [(say(name), name) for name in TASKS],
                value=SHORT,
                label=say("Style"),
                elem_id="caption-style",
            )
            beginning = gr.Textbox(
                label=say("Beginning"),
                info=say("The model goes on from here"),
                placeholder=say("There is a"),
                visible=False,
                max_lines=3,
                elem_id="caption-beginning",
            )
            buttons = build_run_buttons("Caption", "caption")
            build_notice(
                backend, controls.model, [Task.CAPTION], [buttons.run], style=style, styles=TASKS
            )
            result = answer(
                "caption-answer", "caption-picture", run="#caption-run", field="#caption-beginning"
            )
            build_keeping("Caption", around, regions=own.regions)
            around.place_again("Caption")
            tries = build_examples(around.examples_for(*dict.fromkeys(STYLES.values())))

    def caption(
        picture: Picture | None,
        kind: str,
        start: str,
        regions: tuple[Region, ...],
        *settings: Any,
    ) -> Iterator[Any]:
        yield gr.skip()
        newest: Reply | None = None
        try:
            picture = wanted(picture)
            if kind == MARKED and not regions:
                raise InputError("Please mark a region on the picture first.")
            yield {result: waiting(), own.board: shown(picture)}
            choice = Choice.of(backend, *settings)
            words = start if kind == CONTINUED else ""
            request = Request(
                TASKS[kind],
                words,
                (picture.open(),),
                regions=regions if kind == MARKED else (),
                sampling=choice.sampling,
            )
            for reply in awaited(backend, choice.model, request):
                if not isinstance(reply, Reply):
                    yield {result: waiting(reply) if reply else gr.skip()}
                    continue
                newest = reply
                yield {
                    result: written(reply, busy=True),
                    own.board: located(picture, reply),
                    asked_last: Asked.now(choice.model, request, reply, [picture]),
                }
            if newest is not None:
                note, tone = places_found(newest) if kind == GROUNDED else ("", "")
                yield {result: written(newest, busy=False, note=note, tone=tone)}
        except Exception as error:  # whatever it is, people are told
            yield {result: problem(error, backend, settings[0], TASKS[kind], newest)}

    def filled_by(link: Link) -> Mapping[Component, Any]:
        task, words = link.request.task, link.request.text
        kind = CONTINUED if words else _style_of(task)
        return {style: kind, beginning: gr.Textbox(words, visible=kind == CONTINUED), **cleared}

    def filled(example: Example) -> Mapping[Component, Any]:
        kind = CONTINUED if example.words else _style_of(example.task)
        return {
            style: kind,
            beginning: gr.Textbox(example.words, visible=kind == CONTINUED),
            **cleared,
        }

    cleared: dict[Component, Any] = {result: NOTHING, asked_last: None}
    asking = buttons.ask(
        [buttons.run.click, beginning.submit],
        caption,
        [own.picture, style, beginning, own.regions, *controls.inputs],
        [result, own.board, asked_last],
        [result],
    )
    wire_remedies(result, controls, Task.CAPTION, own)
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
    wire_link("Caption", around, own, filled_by, [style, beginning, *cleared])


def _style_of(task: Task) -> str:
    return next((style for style, other in TASKS.items() if other is task), SHORT)
