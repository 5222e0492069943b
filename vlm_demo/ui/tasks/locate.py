"""Locate: name a thing and see where it is; mark a place and read what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.errors import InputError
from vlm_demo.prompting.confidence import above
from vlm_demo.ui.components.answer.answered_request import Asked
from vlm_demo.ui.components.answer.remedies import problem, wire_remedies
from vlm_demo.ui.components.answer.text import places_found
from vlm_demo.ui.components.answer.view import NOTHING, answer, waiting, written
from vlm_demo.ui.components.answer_actions.actions import build_keeping
from vlm_demo.ui.components.answer_actions.permalinks import wire_link
from vlm_demo.ui.components.canvas.canvas import located, read_regions, shown
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
from vlm_demo.ui.events import EACH, QUICK
from vlm_demo.ui.html_values import percent
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import awaited
from vlm_demo.values import Region, Reply, Request, Task


def build_locate_tab(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, controls = around.backend, around.controls
    newest = gr.State(None)  # Reply | None: the complete one
    asked_last = around.asked["Locate"]
    with gr.Row(elem_classes="search", equal_height=True):
        words = gr.Textbox(
            label=say("What to find"),
            placeholder=say("What to find, like “red circle”"),
            show_label=False,
            container=False,
            max_lines=2,
            scale=8,
            min_width=200,
            elem_id="locate-words",
        )
        buttons = build_run_buttons("Locate", "locate")
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=300):
            own = build_picture_input("locate-picture", around, selectable=True)
        with gr.Column(scale=4, min_width=280):
            build_notice(backend, controls.model, [Task.GROUNDING], [buttons.run])
            result = answer(
                "locate-answer", "locate-picture", run="#locate-run", field="#locate-words"
            )
            least = gr.Slider(
                0,
                1,
                0,
                step=0.01,
                label=say("Least confidence"),
                info=say("Hides places of which the model is less sure, here and in the downloads"),
                visible=False,
                elem_id="locate-least",
            )
            with gr.Column(elem_id="locate-marked"):  # board.css hides it while nothing is marked
                describing = build_run_buttons("Describe the region", "describe", "secondary")
            description = answer(
                "locate-description", run="#describe-run", picture="#locate-picture"
            )
            build_keeping("Locate", around, regions=own.regions, least=least)
            around.place_again("Locate")
            with gr.Accordion(
                say("Raw output"), open=False, visible=False, elem_id="locate-raw"
            ) as fold_out:
                raw = gr.Code(show_label=False, language=None, wrap_lines=True, lines=2)
            tries = build_examples(around.examples_for(Task.GROUNDING))

    def locate(
        picture: Picture | None, text: str, threshold: float, *settings: Any
    ) -> Iterator[Any]:
        yield gr.skip()
        last: Reply | None = None
        try:
            picture = wanted(picture)
            yield {result: waiting(), own.board: shown(picture), newest: None}
            choice = Choice.of(backend, *settings)
            request = Request(Task.GROUNDING, text, (picture.open(),), sampling=choice.sampling)
            for reply in awaited(backend, choice.model, request):
                if not isinstance(reply, Reply):
                    yield {result: waiting(reply) if reply else gr.skip()}
                    continue
                last = reply
                sure = above(reply, threshold)
                yield {
                    result: written(sure, busy=True),
                    own.board: located(picture, reply, threshold),
                    asked_last: Asked.now(choice.model, request, reply, [picture]),
                }
            if last is not None:
                yield {newest: last, result: _complete(last, threshold)}
        except Exception as error:  # whatever it is, people are told
            yield {result: problem(error, backend, settings[0], Task.GROUNDING, last)}

    def settled_at(picture: Picture, reply: Reply, threshold: float) -> dict[Any, Any]:
        """Show a complete answer without the places of which the model was less sure."""
        return {
            result: _complete(reply, threshold),
            own.board: located(picture, reply, threshold),
            least: gr.Slider(visible=any(m.confidence is not None for m in reply.mentions)),
            raw: reply.raw.strip(),
            fold_out: gr.Accordion(visible=True),
        }

    def settle(picture: Picture | None, reply: Reply | None, threshold: float) -> dict[Any, Any]:
        if picture is None or reply is None:
            return {result: gr.skip()}  # the answer that is being written follows by itself
        return settled_at(picture, reply, threshold)

    def name_button(picture: Picture | None, event: gr.EventData) -> gr.Button:
        several = len(read_regions(event._data, picture)) > 1
        return gr.Button(say("Describe the regions together" if several else "Describe the region"))

    def describe(
        picture: Picture | None, regions: tuple[Region, ...], *settings: Any
    ) -> Iterator[Any]:
        yield gr.skip()
        last: Reply | None = None
        try:
            picture = wanted(picture)
            if not regions:
                raise InputError("Please mark a region on the picture first.")
            yield {description: waiting()}
            choice = Choice.of(backend, *settings)
            request = Request(
                Task.DESCRIBE_REGION,
                images=(picture.open(),),
                regions=regions,
                sampling=choice.sampling,
            )
            for reply in awaited(backend, choice.model, request):
                if not isinstance(reply, Reply):
                    yield {description: waiting(reply) if reply else gr.skip()}
                    continue
                last = reply
                yield {
                    description: written(reply, busy=True),
                    asked_last: Asked.now(choice.model, request, reply, [picture]),
                }
            if last is not None:
                yield {description: written(last, busy=False, note="What the selection shows")}
        except Exception as error:  # whatever it is, people are told
            told = problem(error, backend, settings[0], Task.DESCRIBE_REGION, last)
            yield {description: told}

    def filled_by(text: str) -> Mapping[Component, Any]:
        return {words: text, **cleared}

    def filled(example: Example) -> Mapping[Component, Any]:
        return filled_by(example.words)

    locating = buttons.ask(
        [buttons.run.click, words.submit],
        locate,
        [own.picture, words, least, *controls.inputs],
        [result, own.board, newest, asked_last],
        [result],
    )
    wire_remedies(result, controls, Task.GROUNDING, own)
    # The threshold may have been moved while the answer was written.
    for changed in (locating.success, least.change):
        changed(
            settle,
            [own.picture, newest, least],
            [result, own.board, least, raw, fold_out],
            trigger_mode="always_last",
            **QUICK,
        )
    own.board.select(name_button, own.picture, describing.run, **EACH)
    telling = describing.ask(
        [describing.run.click],
        describe,
        [own.picture, own.regions, *controls.inputs],
        [description, asked_last],
        [description],
    )
    wire_remedies(description, controls, Task.DESCRIBE_REGION, own)
    cleared: dict[Component, Any] = {
        result: NOTHING,
        description: NOTHING,
        raw: "",
        fold_out: gr.Accordion(visible=False, open=False),
        newest: None,
        asked_last: None,
        least: gr.Slider(visible=False),
    }
    wire_picture_input(tab, around, own, cleared, cancels=[locating, telling])
    wire_examples(
        tries,
        around,
        own,
        filled,
        [words, *cleared],
        run=buttons.run,
        cancels=[locating, telling],
    )
    wire_link("Locate", around, own, lambda link: filled_by(link.request.text), [words, *cleared])


def _complete(reply: Reply, threshold: float) -> str:
    """Value of the answer: what was found, and how much of it the threshold hides."""
    sure = above(reply, threshold)
    note, tone = places_found(reply)
    unsure = _count(reply) - _count(sure)
    if unsure:
        note += f", {unsure} hidden: less sure than {percent(threshold)}"
    return written(sure, busy=False, note=note, tone=tone)


def _count(reply: Reply) -> int:
    return sum(len(mention.regions) for mention in reply.mentions)
