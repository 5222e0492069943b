"""Ask: a question about a picture and a short answer, free or from a list."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.types import Reply, Request, Task
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
from vlm_demo.ui.region_image import shown
from vlm_demo.ui.streaming import answers, errors_shown
from vlm_demo.ui.tab import ANSWERS, Surroundings, build_run_buttons

Earlier = tuple[tuple[str, str], ...]
"""Earlier questions about the picture and their answers, oldest first."""


def build_ask_tab(tab: gr.Tab, around: Surroundings) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, controls = around.backend, around.controls
    earlier = gr.State(())
    asked_last = around.asked["Ask"]
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_picture_input("ask-picture", around)
        with gr.Column(scale=5, min_width=300):
            question = gr.Textbox(
                label="Question",
                placeholder="What colour is the circle?",
                max_lines=4,
                elem_id="ask-question",
            )
            closed = gr.Textbox(
                label="Possible answers",
                info="Optional, separated by commas: the answer is one of these",
                placeholder="red, green, blue",
                max_lines=2,
                elem_id="ask-choices",
            )
            buttons = build_run_buttons("Ask", "ask")
            build_notice(backend, controls.model, [Task.VQA], [buttons.run])
            result = answer("ask-answer")
            log = gr.HTML(visible=False, elem_id="ask-earlier", apply_default_css=False)
            tries = build_examples(around.examples_for(Task.VQA))

    def ask(
        picture: Picture | None, words: str, choices: str, before: Earlier, *settings: Any
    ) -> Iterator[Any]:
        yield gr.skip()
        with errors_shown():
            picture = wanted(picture)
            yield {**buttons.asking, result: waiting(), log: _earlier(before)}
            choice = Choice.of(backend, *settings)
            request = Request(
                Task.VQA,
                words,
                (picture.open(),),
                choices=read_choices(choices),
                sampling=choice.sampling,
            )
            newest: Reply | None = None
            for reply in answers(backend, choice.model, request):
                if reply is None:
                    yield {result: gr.skip()}
                    continue
                newest = reply
                yield {
                    result: written(reply, busy=True),
                    own.board: shown(picture, reply.mentions),
                    asked_last: Asked.now(choice.model, request, reply.raw, [picture]),
                }
            if newest is not None:
                yield {
                    result: written(newest, busy=False, note=words.strip()),
                    earlier: (*before, (words.strip(), newest.text)),
                }

    def filled(example: Example) -> Mapping[Component, Any]:
        words, _, choices = example.words.partition("|")
        return {
            question: words.strip(),
            closed: choices.strip(),
            **cleared,
        }

    asking = gr.on(
        [buttons.run.click, question.submit, closed.submit],
        ask,
        [own.picture, question, closed, earlier, *controls.inputs],
        [result, own.board, buttons.run, buttons.stop, log, earlier, asked_last],
        **ANSWERS,
    )
    buttons.wire(asking, result)
    cleared: dict[Component, Any] = {
        result: NOTHING,
        earlier: (),
        log: gr.HTML(visible=False),
        asked_last: None,
    }
    wire_picture_input(tab, around, own, cleared, cancels=[asking])
    wire_examples(
        tries,
        around,
        own,
        filled,
        [question, closed, *cleared],
        run=buttons.run,
        cancels=[asking],
    )


def read_choices(words: str) -> tuple[str, ...]:
    """Read a list separated by commas, or by lines where an answer has a comma in it."""
    separator = "\n" if "\n" in words.strip() else ","
    choices = (choice.strip() for choice in words.replace("、", ",").split(separator))
    return tuple(dict.fromkeys(choice for choice in choices if choice))


def _earlier(asked: Earlier) -> gr.HTML:
    items = "".join(
        f"<li><span>{html.escape(question)}</span> <b>{html.escape(reply)}</b></li>"
        for question, reply in reversed(asked)
    )
    return gr.HTML(
        f'<h2 class="earlier-title">Earlier questions about this picture</h2><ul>{items}</ul>',
        visible=bool(asked),
    )
