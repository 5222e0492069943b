"""Ask: a question about a picture and a short answer: free, from a list, or of a given form.

The question may name places that are marked on the picture, as [1], [2].

Of the answers in a list, the model says how probable each is, and the most probable is its answer.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.analysis.multiple_choice import Ranking, in_every_order
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError, NoScoresError
from vlm_demo.ui.components.answer.answered_request import Asked
from vlm_demo.ui.components.answer.remedies import problem, wire_remedies
from vlm_demo.ui.components.answer.view import (
    NOTHING,
    answer,
    compared,
    compared_in_orders,
    waiting,
    written,
)
from vlm_demo.ui.components.answer.waiting import Waiting
from vlm_demo.ui.components.answer_actions.actions import build_keeping
from vlm_demo.ui.components.answer_actions.permalink_format import Link
from vlm_demo.ui.components.answer_actions.permalinks import wire_link
from vlm_demo.ui.components.canvas.canvas import located, read_regions
from vlm_demo.ui.components.canvas.region_chips import chips, region_chips
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
from vlm_demo.ui.events import EACH
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import awaited, computed
from vlm_demo.values import Region, RegionForm, Reply, Request, Task

REGION_FORMS = {
    RegionForm.AUTO: say("As the model writes places"),
    RegionForm.MARKS: say("Drawn into its copy of the picture"),
    RegionForm.CROP: say("Cut out"),
}
"""How the page says in which form the marked regions reach a model."""

Earlier = tuple[tuple[str, str], ...]
"""Earlier questions about the picture and their answers, oldest first."""


def build_ask_tab(tab: gr.Tab, around: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    backend, controls = around.backend, around.controls
    earlier = gr.State(())
    asked_last = around.asked["Ask"]
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_picture_input("ask-picture", around, selectable=True)
        with gr.Column(scale=5, min_width=300):
            question = gr.Textbox(
                label=say("Question"),
                placeholder=say("What colour is the circle?"),
                max_lines=4,
                elem_id="ask-question",
            )
            regions_here = region_chips("ask-regions", "#ask-question textarea")
            closed = gr.Textbox(
                label=say("Possible answers"),
                info=say("Optional, separated by commas: the answer is one of these"),
                placeholder=say("red, green, blue"),
                max_lines=2,
                elem_id="ask-choices",
            )
            every_order = gr.Checkbox(
                label=say("Ask in every order"),
                info=say(
                    "Lists the possible answers in the question, once in each rotation, to see "
                    "whether their order matters"
                ),
                elem_id="ask-every-order",
            )
            with gr.Accordion(say("Shape of the answer"), open=False, elem_id="ask-shape"):
                pattern = gr.Textbox(
                    label=say("Pattern"),
                    info=say("A regular expression that the whole answer matches"),
                    placeholder=r"\d+|none",
                    max_lines=2,
                    elem_id="ask-pattern",
                )
                schema = gr.Textbox(
                    label=say("JSON Schema"),
                    info=say("The answer is JSON that is valid by it"),
                    placeholder='{"type": "object", "properties": {"count": {"type": "integer"}}}',
                    lines=3,
                    max_lines=12,
                    elem_id="ask-schema",
                )
                region_form = gr.Radio(
                    [(words, form.value) for form, words in REGION_FORMS.items()],
                    value=RegionForm.AUTO.value,
                    label=say("Marked regions"),
                    info=say("How they reach the model"),
                    elem_id="ask-region-form",
                )
            buttons = build_run_buttons("Ask", "ask")
            build_notice(backend, controls.model, [Task.VQA], [buttons.run])
            result = answer("ask-answer", "ask-picture", run="#ask-run", field="#ask-question")
            build_keeping("Ask", around, regions=own.regions)
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
        regions: tuple[Region, ...],
        shape: str | None,
        before: Earlier,
        *settings: Any,
    ) -> Iterator[Any]:
        yield gr.skip()
        newest: Reply | None = None
        try:
            picture = wanted(picture)
            yield {result: waiting(), log: _earlier(before)}
            choice = Choice.of(backend, *settings)
            request = Request(
                Task.VQA,
                words,
                (picture.open(),),
                regions=regions,
                region_form=RegionForm(shape or RegionForm.AUTO),
                choices=read_choices(choices),
                pattern=(form or "").strip(),
                schema=(schema_text or "").strip(),
                sampling=choice.sampling,
            )
            if in_orders and not request.choices:
                raise InputError("To ask in every order, please give possible answers.")
            for new in answered(backend, choice.model, request, circular=in_orders):
                reply, card = new or (None, gr.skip())
                if reply is None:
                    yield {result: card}
                    continue
                newest = reply
                yield {
                    result: card,
                    own.board: located(picture, newest),
                    asked_last: Asked.now(choice.model, request, newest, [picture]),
                }
            if newest is not None:
                yield {earlier: (*before, (words.strip(), newest.text))}
        except Exception as error:  # whatever it is, people are told
            yield {result: problem(error, backend, settings[0], Task.VQA, newest)}

    def filled_by(link: Link) -> Mapping[Component, Any]:
        request = link.request
        between = "\n" if any("," in choice for choice in request.choices) else ", "
        return {
            question: request.text,
            closed: between.join(request.choices),
            pattern: request.pattern,
            schema: request.schema,
            every_order: False,
            region_form: request.region_form.value,
            **cleared,
        }

    def number(picture: Picture | None, event: gr.EventData) -> str:
        return chips(read_regions(event._data, picture))

    def filled(example: Example) -> Mapping[Component, Any]:
        words, _, choices = example.words.partition("|")
        return {
            question: words.strip(),
            closed: choices.strip(),
            **dict.fromkeys((pattern, schema), ""),
            every_order: False,
            region_form: RegionForm.AUTO.value,
            **cleared,
        }

    asking = buttons.ask(
        [buttons.run.click, question.submit, closed.submit, pattern.submit],
        ask,
        [
            *(
                own.picture,
                question,
                closed,
                every_order,
                pattern,
                schema,
                own.regions,
                region_form,
            ),
            *(earlier, *controls.inputs),
        ],
        [result, own.board, log, earlier, asked_last],
        [result],
    )
    wire_remedies(result, controls, Task.VQA, own)
    own.board.select(number, own.picture, regions_here, **EACH)
    cleared: dict[Component, Any] = {
        result: NOTHING,
        earlier: (),
        log: gr.HTML(visible=False),
        asked_last: None,
        regions_here: chips(()),
    }
    wire_picture_input(tab, around, own, cleared, cancels=[asking])
    wire_examples(
        tries,
        around,
        own,
        filled,
        [question, closed, pattern, schema, every_order, region_form, *cleared],
        run=buttons.run,
        cancels=[asking],
    )
    fields = [question, closed, pattern, schema, every_order, region_form]
    wire_link("Ask", around, own, filled_by, [*fields, *cleared])


Answered = tuple[Reply | None, str]
"""An answer, None while it is waited for, and the value of the component that shows it."""


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
    for new in awaited(backend, model, request):
        if isinstance(new, Waiting):
            yield None, waiting(new)
            continue
        newest = new or newest
        yield (new, written(new, busy=True)) if new else None
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
