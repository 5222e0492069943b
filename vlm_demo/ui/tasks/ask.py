"""Ask: a question about a picture, and a short answer: free, one of a list, or of a given form.

The question may name regions that are marked on the picture, as [1], [2].

For the answers in a list, the model says how probable each is, and the most probable is its answer.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.conversations.permalink import Permalink
from vlm_demo.errors import InputError
from vlm_demo.ui.components.answer.answer_stream import stream_vqa_updates
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.answer.remedies import problem_value
from vlm_demo.ui.components.answer.remedy_events import wire_remedies
from vlm_demo.ui.components.answer.view import EMPTY_ANSWER, build_answer, waiting_value
from vlm_demo.ui.components.answer_actions.actions import build_answer_actions
from vlm_demo.ui.components.answer_actions.permalinks import wire_tab_permalink
from vlm_demo.ui.components.canvas.canvas_values import read_regions, reply_canvas_value
from vlm_demo.ui.components.canvas.region_chips import build_region_chips, region_chips_value
from vlm_demo.ui.components.examples import Example
from vlm_demo.ui.components.image_input import (
    ExampleButtons,
    ImageInput,
    build_example_buttons,
    build_image_input,
    require_image,
    wire_examples,
    wire_image_input,
)
from vlm_demo.ui.components.model_notice import build_model_notice
from vlm_demo.ui.components.run_buttons import RunButtons, build_run_buttons
from vlm_demo.ui.components.settings.request_settings import RequestSettings
from vlm_demo.ui.components.task_form import build_region_form
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import EACH
from vlm_demo.ui.i18n import say
from vlm_demo.ui.tabs import Tab
from vlm_demo.values import Region, RegionForm, Reply, Request, Task

EarlierQuestions = tuple[tuple[str, str], ...]
"""Earlier questions about the picture and their answers, oldest first."""


@dataclass(frozen=True, slots=True)
class AskFields:
    """The fields that a question is asked with."""

    question: gr.Textbox
    region_chips: gr.HTML
    choices: gr.Textbox
    in_orders: gr.Checkbox
    pattern: gr.Textbox
    schema: gr.Textbox
    region_form: gr.Radio

    @property
    def inputs(self) -> list[Component]:
        """The components that hold values."""
        return [
            self.question,
            self.choices,
            self.in_orders,
            self.pattern,
            self.schema,
            self.region_form,
        ]


@dataclass(frozen=True, slots=True)
class AskTab:
    """The components of the tab, and what happens on its events."""

    page: PageContext
    image_input: ImageInput
    fields: AskFields
    buttons: RunButtons
    result: gr.HTML
    log: gr.HTML
    examples: ExampleButtons
    earlier: gr.State  # EarlierQuestions

    @property
    def newest_answer(self) -> gr.State:
        """Holds the newest answer of the tab."""
        return self.page.newest_answers[Tab.ASK]

    @property
    def reset_values(self) -> dict[Component, Any]:
        """Values of the components that belong to the old picture."""
        return {
            self.result: EMPTY_ANSWER,
            self.earlier: (),
            self.log: gr.HTML(visible=False),
            self.newest_answer: None,
            self.fields.region_chips: region_chips_value(()),
        }

    def ask(
        self,
        image: UploadedImage | None,
        question: str,
        choices: str,
        in_orders: bool,
        pattern: str | None,  # None: the fields have not been unfolded
        schema: str | None,
        region_form: str | None,
        regions: tuple[Region, ...],
        earlier: EarlierQuestions,
        *settings: Any,
    ) -> Iterator[Any]:
        """Stream the answer to a question."""
        yield gr.skip()
        backend = self.page.backend
        newest: Reply | None = None
        try:
            image = require_image(image)
            yield {self.result: waiting_value(), self.log: _earlier_html(earlier)}
            choice = RequestSettings.read(backend, *settings)
            request = Request(
                Task.VQA,
                question,
                (image.open(),),
                regions=regions,
                region_form=RegionForm(region_form or RegionForm.AUTO),
                choices=read_choices(choices),
                pattern=(pattern or "").strip(),
                schema=(schema or "").strip(),
                sampling=choice.sampling,
            )
            if in_orders and not request.choices:
                raise InputError("To ask in every order, please give possible answers.")
            for update in stream_vqa_updates(backend, choice.model, request, in_orders=in_orders):
                reply, value = update or (None, gr.skip())
                if reply is None:
                    yield {self.result: value}
                    continue
                newest = reply
                answer = AnsweredRequest.record(choice.model, request, newest, [image])
                yield {
                    self.result: value,
                    self.image_input.canvas: reply_canvas_value(image, newest),
                    self.newest_answer: answer,
                }
            if newest is not None:
                yield {self.earlier: (*earlier, (question.strip(), newest.text))}
        except Exception as error:  # whatever it is, people are told
            yield {self.result: problem_value(error, backend, settings[0], Task.VQA, newest)}

    def fill_from_link(self, link: Permalink) -> Mapping[Component, Any]:
        """Return the values of the fields for a link."""
        request, fields = link.request, self.fields
        separator = "\n" if any("," in choice for choice in request.choices) else ", "
        return {
            fields.question: request.text,
            fields.choices: separator.join(request.choices),
            fields.pattern: request.pattern,
            fields.schema: request.schema,
            fields.in_orders: False,
            fields.region_form: request.region_form.value,
            **self.reset_values,
        }

    def fill_from_example(self, example: Example) -> Mapping[Component, Any]:
        """Return the values of the fields for an example."""
        question, _, choices = example.text.partition("|")
        fields = self.fields
        return {
            fields.question: question.strip(),
            fields.choices: choices.strip(),
            fields.pattern: "",
            fields.schema: "",
            fields.in_orders: False,
            fields.region_form: RegionForm.AUTO.value,
            **self.reset_values,
        }

    def show_region_chips(self, image: UploadedImage | None, event: gr.EventData) -> str:
        """Offer the marked regions below the question."""
        return region_chips_value(read_regions(event._data, image))

    def wire(self, tab: gr.Tab) -> None:
        """Connect the components with what happens."""
        page, own, fields = self.page, self.image_input, self.fields
        asking = self.buttons.wire(
            [
                self.buttons.run.click,
                fields.question.submit,
                fields.choices.submit,
                fields.pattern.submit,
            ],
            self.ask,
            [own.image, *fields.inputs, own.regions, self.earlier, *page.controls.inputs],
            [self.result, own.canvas, self.log, self.earlier, self.newest_answer],
            [self.result],
        )
        wire_remedies(self.result, page.controls, Task.VQA, own)
        own.canvas.select(self.show_region_chips, own.image, fields.region_chips, **EACH)
        reset = self.reset_values
        wire_image_input(tab, own, reset, cancels=[asking])
        filled = [*fields.inputs, *reset]
        run, fill = self.buttons.run, self.fill_from_example
        wire_examples(self.examples, own, fill, filled, run, [asking])
        wire_tab_permalink(Tab.ASK, page.permalink_card, own, self.fill_from_link, filled)


def build_ask_tab(tab: gr.Tab, page: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    earlier = gr.State(())
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_image_input(
                "ask-picture", page.newest_image, page.settings, selectable=True
            )
        with gr.Column(scale=5, min_width=300):
            fields = _build_fields()
            buttons = build_run_buttons("Ask", "ask")
            build_model_notice(page.backend, page.controls.model, [Task.VQA], [buttons.run])
            result = build_answer(
                "ask-answer", "ask-picture", run="#ask-run", field="#ask-question"
            )
            build_answer_actions(
                Tab.ASK, page.answer_actions, page.newest_answers[Tab.ASK], regions=own.regions
            )
            page.render_follow_ups(Tab.ASK)
            log = gr.HTML(visible=False, elem_id="ask-earlier", apply_default_css=False)
            examples = build_example_buttons(page.examples_for(Task.VQA))
    AskTab(page, own, fields, buttons, result, log, examples, earlier).wire(tab)


def _build_fields() -> AskFields:
    question = gr.Textbox(
        label=say("Question"),
        placeholder=say("What colour is the circle?"),
        max_lines=4,
        elem_id="ask-question",
    )
    region_chips = build_region_chips("ask-regions", "#ask-question textarea")
    choices = gr.Textbox(
        label=say("Possible answers"),
        info=say("Optional, separated by commas: the answer is one of these"),
        placeholder=say("red, green, blue"),
        max_lines=2,
        elem_id="ask-choices",
    )
    in_orders = gr.Checkbox(
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
            info=say("The answer is JSON that matches it"),
            placeholder='{"type": "object", "properties": {"count": {"type": "integer"}}}',
            lines=3,
            max_lines=12,
            elem_id="ask-schema",
        )
        region_form = build_region_form(
            "ask-region-form", label=say("Marked regions"), info=say("How they reach the model")
        )
    return AskFields(question, region_chips, choices, in_orders, pattern, schema, region_form)


def read_choices(text: str) -> tuple[str, ...]:
    """Read a list separated by commas, or by lines where an answer has a comma in it."""
    separator = "\n" if "\n" in text.strip() else ","
    choices = (choice.strip() for choice in text.replace("、", ",").split(separator))
    return tuple(dict.fromkeys(choice for choice in choices if choice))


def _earlier_html(earlier: EarlierQuestions) -> gr.HTML:
    items = "".join(
        f"<li><span>{html.escape(question)}</span> <b>{html.escape(reply)}</b></li>"
        for question, reply in reversed(earlier)
    )
    return gr.HTML(
        f'<h2 class="earlier-title">Earlier questions about this picture</h2><ul>{items}</ul>',
        visible=bool(earlier),
    )
