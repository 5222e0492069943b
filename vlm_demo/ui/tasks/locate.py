"""Locate: name a thing and see where it is; mark a region and read what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.conversations.permalink import Permalink
from vlm_demo.errors import InputError
from vlm_demo.prompting.confidence import apply_confidence_threshold
from vlm_demo.prompting.targets import split_conjunctions
from vlm_demo.ui.components.answer.answer_stream import stream_answer, stream_updates
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.answer.remedies import problem_value
from vlm_demo.ui.components.answer.remedy_events import wire_remedies
from vlm_demo.ui.components.answer.view import (
    EMPTY_ANSWER,
    answer_value,
    build_answer,
    describe_outcome,
    waiting_value,
)
from vlm_demo.ui.components.answer_actions.actions import build_answer_actions
from vlm_demo.ui.components.answer_actions.permalinks import wire_tab_permalink
from vlm_demo.ui.components.answer_actions.space_switch import (
    build_space_switch,
    reread_answer,
    space_switch_value,
)
from vlm_demo.ui.components.canvas.canvas_values import (
    canvas_value,
    read_regions,
    reply_canvas_value,
)
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
from vlm_demo.ui.components.task_form import build_inline_field
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import EACH, QUICK
from vlm_demo.ui.html_values import DisplayText, TranslatableText
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import show_errors
from vlm_demo.ui.tabs import Tab
from vlm_demo.units import format_percent
from vlm_demo.values import Region, Reply, Request, Task


@dataclass(frozen=True, slots=True)
class LocateTab:
    """The components of the tab, and what happens on its events."""

    page: PageContext
    image_input: ImageInput
    text: gr.Textbox  # what to find
    split_and: gr.Checkbox  # whether "and" separates several things, as a comma does
    buttons: RunButtons
    result: gr.HTML
    threshold: gr.Slider  # confidence below which regions are hidden
    describe_buttons: RunButtons
    description: gr.HTML
    raw_output: gr.Code
    raw_fold: gr.Accordion
    examples: ExampleButtons
    complete_reply: gr.State  # Reply | None
    space: gr.Dropdown  # what the numbers count

    @property
    def newest_answer(self) -> gr.State:
        """Holds the newest answer of the tab."""
        return self.page.newest_answers[Tab.LOCATE]

    @property
    def reset_values(self) -> dict[Any, Any]:
        """Values of the components that belong to the old picture."""
        return {
            self.result: EMPTY_ANSWER,
            self.description: EMPTY_ANSWER,
            self.raw_output: "",
            self.raw_fold: gr.Accordion(visible=False, open=False),
            self.complete_reply: None,
            self.newest_answer: None,
            self.threshold: gr.Slider(visible=False),
            self.space: gr.Dropdown(visible=False),
        }

    def locate(
        self,
        image: UploadedImage | None,
        text: str,
        split_and: bool,
        threshold: float,
        *settings: Any,
    ) -> Iterator[Any]:
        """Stream the regions of what is looked for."""
        yield gr.skip()
        backend, result, canvas = self.page.backend, self.result, self.image_input.canvas
        newest: Reply | None = None
        try:
            image = require_image(image)
            yield {
                result: waiting_value(),
                canvas: canvas_value(image),
                self.complete_reply: None,
            }
            choice = RequestSettings.read(backend, *settings)
            text = split_conjunctions(text) if split_and else text
            request = Request(Task.GROUNDING, text, (image.open(),), sampling=choice.sampling)
            for reply in stream_answer(backend, choice.model, request):
                if not isinstance(reply, Reply):
                    yield {result: waiting_value(reply) if reply else gr.skip()}
                    continue
                newest = reply
                confident = apply_confidence_threshold(reply, threshold)
                answer = AnsweredRequest.record(choice.model, request, reply, [image])
                yield {
                    result: answer_value(confident, busy=True),
                    canvas: reply_canvas_value(image, reply, threshold),
                    self.newest_answer: answer,
                }
            if newest is not None:
                yield {self.complete_reply: newest, result: _complete_value(newest, threshold)}
        except Exception as error:  # whatever it is, people are told
            yield {result: problem_value(error, backend, settings[0], Task.GROUNDING, newest)}

    def apply_threshold(
        self, image: UploadedImage | None, reply: Reply | None, threshold: float
    ) -> dict[Any, Any]:
        """Show a complete answer without the regions whose confidence is lower."""
        if image is None or reply is None:
            return {self.result: gr.skip()}  # an answer that is still being written follows itself
        has_confidence = any(mention.confidence is not None for mention in reply.mentions)
        return {
            self.result: _complete_value(reply, threshold),
            self.image_input.canvas: reply_canvas_value(image, reply, threshold),
            self.threshold: gr.Slider(visible=has_confidence),
            self.raw_output: reply.raw.strip(),
            self.raw_fold: gr.Accordion(visible=True),
        }

    def show_space(self, answer: AnsweredRequest | None) -> gr.Dropdown:
        """Offer the choice of what the numbers of an answer count, where that is in doubt."""
        return space_switch_value(self.page.backend, answer)

    def change_space(
        self, answer: AnsweredRequest | None, reply: Reply | None, space: str
    ) -> dict[Any, Any]:
        """Read the newest answer in the space that was chosen."""
        if answer is None or reply is None or answer.reply.raw != reply.raw:
            return {self.space: gr.skip()}
        with show_errors():
            answer = reread_answer(self.page.backend, self.page.settings, answer, space)
            return {self.newest_answer: answer, self.complete_reply: answer.reply}
        return {self.space: gr.skip()}

    def label_describe_button(self, image: UploadedImage | None, event: gr.EventData) -> gr.Button:
        """Say on the button whether one region or several are described."""
        several = len(read_regions(event._data, image)) > 1
        return gr.Button(say("Describe the regions together" if several else "Describe the region"))

    def describe(
        self, image: UploadedImage | None, regions: tuple[Region, ...], *settings: Any
    ) -> Iterator[Any]:
        """Stream a description of the marked regions."""
        yield gr.skip()
        backend, description = self.page.backend, self.description
        newest: Reply | None = None
        try:
            image = require_image(image)
            if not regions:
                raise InputError("Please mark a region on the picture first.")
            yield {description: waiting_value()}
            choice = RequestSettings.read(backend, *settings)
            request = Request(
                Task.DESCRIBE_REGION,
                images=(image.open(),),
                regions=regions,
                sampling=choice.sampling,
            )
            for update in stream_updates(backend, choice.model, request, _description_value):
                reply, value = update or (None, gr.skip())
                if reply is None:
                    yield {description: value}
                    continue
                newest = reply
                answer = AnsweredRequest.record(choice.model, request, reply, [image])
                yield {description: value, self.newest_answer: answer}
        except Exception as error:  # whatever it is, people are told
            model, task = settings[0], Task.DESCRIBE_REGION
            yield {description: problem_value(error, backend, model, task, newest)}

    def fill_from_link(self, link: Permalink) -> Mapping[Component, Any]:
        """Return the values of the fields for a link."""
        return {self.text: link.request.text, **self.reset_values}

    def fill_from_example(self, example: Example) -> Mapping[Component, Any]:
        """Return the values of the fields for an example."""
        return {self.text: example.text, **self.reset_values}

    def wire(self, tab: gr.Tab) -> None:
        """Connect the components with what happens."""
        page, own, controls = self.page, self.image_input, self.page.controls
        locating = self.buttons.wire(
            [self.buttons.run.click, self.text.submit],
            self.locate,
            [own.image, self.text, self.split_and, self.threshold, *controls.inputs],
            [self.result, own.canvas, self.complete_reply, self.newest_answer],
            [self.result],
        )
        wire_remedies(self.result, controls, Task.GROUNDING, own)
        locating.success(self.show_space, self.newest_answer, self.space, **QUICK)
        rereading = self.space.input(
            self.change_space,
            [self.newest_answer, self.complete_reply, self.space],
            [self.newest_answer, self.complete_reply, self.space],
            **QUICK,
        )
        # The threshold may have been moved while the answer was written.
        for changed in (locating.success, rereading.success, self.threshold.change):
            changed(
                self.apply_threshold,
                [own.image, self.complete_reply, self.threshold],
                [self.result, own.canvas, self.threshold, self.raw_output, self.raw_fold],
                trigger_mode="always_last",
                **QUICK,
            )
        describe_button = self.describe_buttons.run
        own.canvas.select(self.label_describe_button, own.image, describe_button, **EACH)
        describing = self.describe_buttons.wire(
            [describe_button.click],
            self.describe,
            [own.image, own.regions, *controls.inputs],
            [self.description, self.newest_answer],
            [self.description],
        )
        wire_remedies(self.description, controls, Task.DESCRIBE_REGION, own)
        reset, cancels = self.reset_values, [locating, describing]
        wire_image_input(tab, own, reset, cancels=cancels)
        filled = [self.text, *reset]
        run, fill = self.buttons.run, self.fill_from_example
        wire_examples(self.examples, own, fill, filled, run, cancels)
        wire_tab_permalink(Tab.LOCATE, page.permalink_card, own, self.fill_from_link, filled)


def build_locate_tab(tab: gr.Tab, page: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    complete_reply = gr.State(None)
    with gr.Row(elem_classes="search", equal_height=True):
        text = build_inline_field(
            say("What to find"),
            say("What to find, like “red circle” or “cat, dog”"),
            "locate-words",
            max_lines=2,
        )
        buttons = build_run_buttons("Locate", "locate")
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=300):
            own = build_image_input(
                "locate-picture", page.newest_image, page.settings, selectable=True
            )
        with gr.Column(scale=4, min_width=280):
            build_model_notice(page.backend, page.controls.model, [Task.GROUNDING], [buttons.run])
            result = build_answer(
                "locate-answer", "locate-picture", run="#locate-run", field="#locate-words"
            )
            split_and = gr.Checkbox(
                label=say("Also split at “and”"),
                info=say("Commas and semicolons separate several things in any case"),
                elem_id="locate-and",
            )
            threshold = gr.Slider(
                0,
                1,
                0,
                step=0.01,
                label=say("Confidence threshold"),
                info=say("Hides places with a lower confidence, here and in downloads"),
                visible=False,
                elem_id="locate-least",
            )
            space = build_space_switch(Tab.LOCATE.slug)
            with gr.Column(elem_id="locate-marked"):  # canvas.css hides it while nothing is marked
                describe_buttons = build_run_buttons("Describe the region", "describe", "secondary")
            description = build_answer(
                "locate-description", run="#describe-run", image_input="#locate-picture"
            )
            build_answer_actions(
                Tab.LOCATE,
                page.answer_actions,
                page.newest_answers[Tab.LOCATE],
                regions=own.regions,
                threshold=threshold,
            )
            page.render_follow_ups(Tab.LOCATE)
            with gr.Accordion(
                say("Raw output"), open=False, visible=False, elem_id="locate-raw"
            ) as raw_fold:
                raw_output = gr.Code(show_label=False, language=None, wrap_lines=True, lines=2)
            examples = build_example_buttons(page.examples_for(Task.GROUNDING))
    LocateTab(
        page,
        own,
        text,
        split_and,
        buttons,
        result,
        threshold,
        describe_buttons,
        description,
        raw_output,
        raw_fold,
        examples,
        complete_reply,
        space,
    ).wire(tab)


def _description_value(reply: Reply) -> str:
    return answer_value(reply, busy=False, note="What the selection shows")


def _complete_value(reply: Reply, threshold: float) -> str:
    """Value of a complete answer: what was found, and how much of it the threshold hides."""
    confident = apply_confidence_threshold(reply, threshold)
    outcome, tone = describe_outcome(reply)
    note: DisplayText = outcome
    hidden = _count_regions(reply) - _count_regions(confident)
    if hidden:
        note = TranslatableText(
            "{outcome}, {hidden} hidden: confidence below {threshold}",
            {"outcome": outcome, "hidden": hidden, "threshold": format_percent(threshold)},
        )
    return answer_value(confident, busy=False, note=note, tone=tone)


def _count_regions(reply: Reply) -> int:
    return sum(len(mention.regions) for mention in reply.mentions)
