"""Ask: a question about a picture and a short answer: free, from a list, or of a given form.

Of the answers in a list, the model says how probable each is, and the most probable is its answer.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, NoScoresError
from vlm_demo.multiple_choice import Ranking, in_every_order
from vlm_demo.types import Reply, Request, Task
from vlm_demo.ui.answer import (
    NOTHING,
    answer,
    compared,
    compared_in_orders,
    waiting,
    written,
)
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
from vlm_demo.ui.region_image import located
from vlm_demo.ui.streaming import answers, computed, errors_shown
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
            every_order = gr.Checkbox(
                label="Ask in every order",
                info="Lists the possible answers in the question, once in each rotation, to see "
                "whether their order matters",
                elem_id="ask-every-order",
            )
            with gr.Accordion("Shape of the answer", open=False, elem_id="ask-shape"):
                pattern = gr.Textbox(
                    label="Pattern",
                    info="A regular expression that the whole answer matches",
                    placeholder=r"\d+|none",
                    max_lines=2,
                    elem_id="ask-pattern",
                )
                schema = gr.Textbox(
                    label="JSON Schema",
                    info="The answer is JSON that is valid by it",
                    placeholder='{"type": "object", "properties": {"count": {"type": "integer"}}}',
                    lines=3,
                    max_lines=12,
                    elem_id="ask-schema",
                )
            buttons = build_run_buttons("Ask", "ask")
            build_notice(backend, controls.model, [Task.VQA], [buttons.run])
            result = answer("ask-answer")
            around.place_again("Ask")
            log = gr.HTML(visible=False, elem_id="ask-earlier", apply_default_css=False)
            tries = build_examples(around.examples_for(Task.VQA))

    def ask(
        picture: Picture | None,
        words: str,
        choices: str,
        in_orders: bool,
        form: str | None,  # None: the fields have not been unfolded
        schema_text: str | None,
        before: Earlier,
        *settings: Any,
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
                pattern=(form or "").strip(),
                schema=(schema_text or "").strip(),
                sampling=choice.sampling,
            )
            if in_orders and not request.choices:
                raise InputError("To ask in every order, please give possible answers.")
            newest: Reply | None = None
            for new in answered(backend, choice.model, request, circular=in_orders):
                if new is None:
                    yield {result: gr.skip()}
                    continue
                newest, card = new
                yield {
                    result: card,
                    own.board: located(picture, newest),
                    asked_last: Asked.now(choice.model, request, newest.raw, [picture]),
                }
            if newest is not None:
                yield {earlier: (*before, (words.strip(), newest.text))}

    def filled(example: Example) -> Mapping[Component, Any]:
        words, _, choices = example.words.partition("|")
        return {
            question: words.strip(),
            closed: choices.strip(),
            **dict.fromkeys((pattern, schema), ""),
            every_order: False,
            **cleared,
        }

    asking = gr.on(
        [buttons.run.click, question.submit, closed.submit, pattern.submit],
        ask,
        [own.picture, question, closed, every_order, pattern, schema, earlier, *controls.inputs],
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
        [question, closed, pattern, schema, every_order, *cleared],
        run=buttons.run,
        cancels=[asking],
    )


Answered = tuple[Reply, str]
"""An answer, and the value of the component that shows it."""


def answered(
    backend: Backend, model: str, request: Request, *, circular: bool
) -> Iterator[Answered | None]:
    """Ask in the way that suits the request; yield None while there is nothing new."""
    if not request.choices:
        return _written(backend, model, request)
    if circular:
        return _compared_in_orders(backend, model, request)
    return _compared(backend, model, request)


def _written(backend: Backend, model: str, request: Request) -> Iterator[Answered | None]:
    """Let the model write; the last answer is complete."""
    newest: Reply | None = None
    for reply in answers(backend, model, request):
        newest = reply or newest
        yield (reply, written(reply, busy=True)) if reply else None
    if newest is not None:
        yield newest, written(newest, busy=False, note=request.text.strip())


def _compared(backend: Backend, model: str, request: Request) -> Iterator[Answered | None]:
    """Compare the possible answers, or let the model write one where that cannot be done."""
    question = request.text.strip()
    try:
        for logprobs in computed(lambda: backend.score(model, request)):
            if logprobs is None:
                yield None
                continue
            ranking = Ranking.of(request.choices, logprobs)
            yield _reply(ranking), compared(ranking, busy=False, note=question)
    except NoScoresError:
        yield from _written(backend, model, request)


def _compared_in_orders(
    backend: Backend, model: str, request: Request
) -> Iterator[Answered | None]:
    """Compare the possible answers in one rotation after another."""
    last = len(request.choices)
    circles = in_every_order(request, partial(backend.score, model))
    for count in range(1, last + 1):
        for circle in computed(lambda: next(circles)):
            if circle is None:
                yield None
                continue
            yield _reply(circle.mean), compared_in_orders(circle, busy=count < last)


def _reply(ranking: Ranking) -> Reply:
    return Reply(ranking.best, ranking.best)


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
