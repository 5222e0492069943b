"""Caption: a picture in words, in one sentence or in detail, continued or with places.

Or what is in the regions that are marked on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from vlm_demo.conversations.permalink import Permalink
from vlm_demo.errors import InputError
from vlm_demo.ui.components.answer.answer_stream import stream_updates
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
from vlm_demo.ui.components.canvas.canvas_values import canvas_value, reply_canvas_value
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
from vlm_demo.ui.components.task_form import CAPTION_STYLES, CONTINUED, SHORT
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUICK
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import show_errors
from vlm_demo.ui.tabs import Tab
from vlm_demo.values import Region, Reply, Request, Task

MARKED = "Marked regions"
"""The style that describes the regions that are marked on the picture."""

STYLE_TASKS = {**CAPTION_STYLES, MARKED: Task.DESCRIBE_REGION}
"""The task of each style that the tab offers."""


@dataclass(frozen=True, slots=True)
class CaptionTab:
    """The components of the tab, and what happens on its events."""

    page: PageContext
    image_input: ImageInput
    style: gr.Radio
    beginning: gr.Textbox
    buttons: RunButtons
    result: gr.HTML
    examples: ExampleButtons
    space: gr.Dropdown  # what the numbers count

    @property
    def newest_answer(self) -> gr.State:
        """Holds the newest answer of the tab."""
        return self.page.newest_answers[Tab.CAPTION]

    @property
    def reset_values(self) -> dict[Component, Any]:
        """Values of the components that belong to the old picture."""
        return {
            self.result: EMPTY_ANSWER,
            self.newest_answer: None,
            self.space: gr.Dropdown(visible=False),
        }

    def caption(
        self,
        image: UploadedImage | None,
        style: str,
        beginning: str,
        regions: tuple[Region, ...],
        *settings: Any,
    ) -> Iterator[Any]:
        """Stream a caption in a style."""
        yield gr.skip()
        backend, result, canvas = self.page.backend, self.result, self.image_input.canvas
        newest: Reply | None = None
        try:
            image = require_image(image)
            if style == MARKED and not regions:
                raise InputError("Please mark a region on the picture first.")
            yield {result: waiting_value(), canvas: canvas_value(image)}
            choice = RequestSettings.read(backend, *settings)
            request = Request(
                STYLE_TASKS[style],
                beginning if style == CONTINUED else "",
                (image.open(),),
                regions=regions if style == MARKED else (),
                sampling=choice.sampling,
            )

            def show_complete(reply: Reply) -> str:
                return _complete_value(request.task, reply)

            for update in stream_updates(backend, choice.model, request, show_complete):
                reply, value = update or (None, gr.skip())
                if reply is None:
                    yield {result: value}
                    continue
                newest = reply
                answer = AnsweredRequest.record(choice.model, request, reply, [image])
                yield {
                    result: value,
                    canvas: reply_canvas_value(image, reply),
                    self.newest_answer: answer,
                }
        except Exception as error:  # whatever it is, people are told
            yield {result: problem_value(error, backend, settings[0], STYLE_TASKS[style], newest)}

    def show_space(self, answer: AnsweredRequest | None) -> gr.Dropdown:
        """Offer the choice of what the numbers of an answer count, where that is in doubt."""
        return space_switch_value(self.page.backend, answer)

    def change_space(self, answer: AnsweredRequest | None, space: str) -> dict[Any, Any]:
        """Read the newest answer in the space that was chosen."""
        if answer is None or answer.image is None:
            return {self.space: gr.skip()}
        with show_errors():
            answer = reread_answer(self.page.backend, self.page.settings, answer, space)
            return {
                self.newest_answer: answer,
                self.result: _complete_value(answer.request.task, answer.reply),
                self.image_input.canvas: reply_canvas_value(answer.images[-1], answer.reply),
            }
        return {self.space: gr.skip()}

    def fill(self, task: Task, text: str) -> Mapping[Component, Any]:
        """Return the values of the fields for a task with the beginning of its caption, or ""."""
        style = CONTINUED if text else _find_style(task)
        return {
            self.style: style,
            self.beginning: gr.Textbox(text, visible=style == CONTINUED),
            **self.reset_values,
        }

    def fill_from_link(self, link: Permalink) -> Mapping[Component, Any]:
        """Return the values of the fields for a link."""
        return self.fill(link.request.task, link.request.text)

    def fill_from_example(self, example: Example) -> Mapping[Component, Any]:
        """Return the values of the fields for an example."""
        return self.fill(example.task, example.text)

    def wire(self, tab: gr.Tab) -> None:
        """Connect the components with what happens."""
        page, own, style, beginning = self.page, self.image_input, self.style, self.beginning
        captioning = self.buttons.wire(
            [self.buttons.run.click, beginning.submit],
            self.caption,
            [own.image, style, beginning, own.regions, *page.controls.inputs],
            [self.result, own.canvas, self.newest_answer],
            [self.result],
        )
        wire_remedies(self.result, page.controls, Task.CAPTION, own)
        captioning.success(self.show_space, self.newest_answer, self.space, **QUICK)
        self.space.input(
            self.change_space,
            [self.newest_answer, self.space],
            [self.newest_answer, self.result, own.canvas, self.space],
            **QUICK,
        )
        style.change(lambda kind: gr.Textbox(visible=kind == CONTINUED), style, beginning, **QUICK)
        reset = self.reset_values
        wire_image_input(tab, own, reset, cancels=[captioning])
        filled = [style, beginning, *reset]
        run, fill = self.buttons.run, self.fill_from_example
        wire_examples(self.examples, own, fill, filled, run, [captioning])
        wire_tab_permalink(Tab.CAPTION, page.permalink_card, own, self.fill_from_link, filled)


def build_caption_tab(tab: gr.Tab, page: PageContext) -> None:
    """Lay out the tab and wire it to the backend."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            own = build_image_input(
                "caption-picture", page.newest_image, page.settings, selectable=True
            )
        with gr.Column(scale=5, min_width=300):
            style = gr.Radio(
                [(say(name), name) for name in STYLE_TASKS],
                value=SHORT,
                label=say("Style"),
                elem_id="caption-style",
            )
            beginning = gr.Textbox(
                label=say("Beginning"),
                info=say("The model continues from here"),
                placeholder=say("There is a"),
                visible=False,
                max_lines=3,
                elem_id="caption-beginning",
            )
            buttons = build_run_buttons("Caption", "caption")
            build_model_notice(
                page.backend,
                page.controls.model,
                [Task.CAPTION],
                [buttons.run],
                style=style,
                styles=STYLE_TASKS,
            )
            result = build_answer(
                "caption-answer", "caption-picture", run="#caption-run", field="#caption-beginning"
            )
            space = build_space_switch(Tab.CAPTION.slug)
            build_answer_actions(
                Tab.CAPTION,
                page.answer_actions,
                page.newest_answers[Tab.CAPTION],
                regions=own.regions,
            )
            page.render_follow_ups(Tab.CAPTION)
            tasks = dict.fromkeys(CAPTION_STYLES.values())
            examples = build_example_buttons(page.examples_for(*tasks))
    CaptionTab(page, own, style, beginning, buttons, result, examples, space).wire(tab)


def _complete_value(task: Task, reply: Reply) -> str:
    """Value of a complete answer; a caption with places says how many there are."""
    note, tone = describe_outcome(reply) if task is Task.GROUNDED_CAPTION else ("", "")
    return answer_value(reply, busy=False, note=note, tone=tone)


def _find_style(task: Task) -> str:
    return next((style for style, other in STYLE_TASKS.items() if other is task), SHORT)
