"""Compare: the same request to a few chosen models, side by side, named and not voted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.ui.arena.answer_pane import (
    TASKS_WITH_REGIONS,
    AnswerPane,
    build_answer_pane,
    describe_regions,
    has_regions,
)
from vlm_demo.ui.arena.request_card import model_heading, request_card, word_count
from vlm_demo.ui.arena.request_form import TASKS, build_task_fields, check_request
from vlm_demo.ui.components.answer.answer_stream import (
    AnswerStream,
    AnswerUpdate,
    stream_updates,
    stream_vqa_updates,
)
from vlm_demo.ui.components.answer.answered_request import AnsweredRequest
from vlm_demo.ui.components.answer.view import answer_value, finish_value, waiting_value
from vlm_demo.ui.components.image_input import (
    ImageInput,
    build_image_input,
    wire_image_input,
)
from vlm_demo.ui.components.model_card import problem_html
from vlm_demo.ui.components.model_choice import runnable_models
from vlm_demo.ui.components.run_buttons import RunButtons, build_run_buttons
from vlm_demo.ui.components.settings.request_settings import RequestSettings
from vlm_demo.ui.components.side_by_side import AnswerProgress, stream_side_by_side
from vlm_demo.ui.components.task_form import TASKS_WITHOUT_TEXT
from vlm_demo.ui.components.uploaded_images import UploadedImage
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUEUED, QUICK
from vlm_demo.ui.html_values import TranslatableText
from vlm_demo.ui.i18n import say
from vlm_demo.ui.streaming import error_message, show_errors
from vlm_demo.values import Reply, Request, Task

FEWEST, MOST = 2, 4
"""Smallest and largest number of models that are asked at a time."""


def build_compare(tab: gr.Tab, page: PageContext, show_tab: str) -> None:
    """Lay out the view and wire it to the backend.

    Args:
        tab: the tab of the view.
        page: what the page shares with its tabs.
        show_tab: JavaScript that brings the view to the front.
    """
    names = runnable_models(page.backend)
    models = gr.Dropdown(
        names,
        value=names[:FEWEST],
        multiselect=True,
        max_choices=MOST,
        label=say("Models"),
        info=say("2 to 4; all get the same request"),
        elem_id="compare-models",
    )
    with gr.Column(visible=False, elem_id="compare-same") as carried:
        card = gr.HTML(apply_default_css=False)
        afresh = gr.Button(say("Ask something else"), size="sm", elem_id="compare-afresh")
    with gr.Row(equal_height=False) as form:
        with gr.Column(scale=4, min_width=280):
            image = build_image_input("compare-picture", page.newest_image, page.settings)
        with gr.Column(scale=6, min_width=300):
            task, text = build_task_fields("compare")
    buttons = build_run_buttons("Ask all of them", "compare")
    with gr.Row(elem_classes="panes", equal_height=False):
        panes = [build_answer_pane(f"compare-{n}", "compare") for n in range(1, MOST + 1)]
    view = _CompareView(
        page, models, gr.State(None), carried, card, afresh, form, image, task, text, buttons, panes
    )
    view.wire(tab, show_tab)


@dataclass(frozen=True, slots=True)
class _CompareView:
    """The components of the view, and what happens on them."""

    page: PageContext
    models: gr.Dropdown
    same: gr.State  # Asked | None: the request of another tab, which is repeated as it was
    carried: gr.Column  # shows that request, in place of the form
    card: gr.HTML
    afresh: gr.Button
    form: gr.Row
    image: ImageInput
    task: gr.Radio
    text: gr.Textbox
    buttons: RunButtons
    panes: Sequence[AnswerPane]

    def wire(self, tab: gr.Tab, show_tab: str) -> None:
        """Wire all components."""
        page, panes = self.page, self.panes
        settings = page.controls.sampling_inputs
        asking = self.buttons.wire(
            [self.buttons.run.click, self.text.submit],
            self.compare,
            [self.models, self.same, self.image.image, self.task, self.text, *settings],
            [component for pane in panes for component in pane.components],
            [pane.answer for pane in panes],
        )
        columns = [pane.column for pane in panes]
        switched = [self.same, self.carried, self.form, *columns]
        self.afresh.click(self.show_form, None, switched, cancels=[asking], **QUICK)
        tab.select(
            lambda: gr.Dropdown(choices=runnable_models(page.backend)), None, self.models, **QUICK
        )
        wire_image_input(tab, self.image, {}, cancels=[asking])
        outputs = [self.models, self.card, *switched]
        for name, button in page.ask_again_buttons.items():
            button.click(
                self.carry, page.newest_answers[name], outputs, cancels=[asking], **QUEUED
            ).success(None, None, None, js=show_tab)

    def compare(
        self,
        chosen: Sequence[str],
        asked: AnsweredRequest | None,
        image: UploadedImage | None,
        name: str,
        text: str,
        *settings: Any,
    ) -> Iterator[Any]:
        yield gr.skip()
        with show_errors():
            if not FEWEST <= len(chosen) <= MOST:
                raise InputError(f"Please choose {FEWEST} to {MOST} models.")
            if asked is None:
                asked = _note_request(TASKS[name], text, image)
            requests = self._make_requests(chosen, asked, settings)
            yield self._clear_panes(chosen, asked)
            yield from self._stream(chosen, requests, asked)

    def _make_requests(
        self, chosen: Sequence[str], asked: AnsweredRequest, settings: Sequence[Any]
    ) -> list[Request]:
        """Return the request to each model, with the settings of the page unless it is repeated."""
        request, backend = asked.reopen_request(), self.page.backend
        if asked.model:
            return [request] * len(chosen)
        return [
            replace(request, sampling=RequestSettings.read(backend, model, *settings).sampling)
            for model in chosen
        ]

    def _clear_panes(self, chosen: Sequence[str], asked: AnsweredRequest) -> dict[Any, Any]:
        """Show a pane for each model, before any has answered."""
        updates: dict[Any, Any] = {}
        for pane, model in zip(self.panes, chosen, strict=False):
            heading = model_heading(self.page.backend.spec(model))
            updates |= pane.clear(heading, asked.image, show_image=_asks_for_regions(asked))
            updates[pane.answer] = waiting_value()
        unused = self.panes[len(chosen) :]
        return updates | {pane.column: gr.Column(visible=False) for pane in unused}

    def _stream(
        self, chosen: Sequence[str], requests: Sequence[Request], asked: AnsweredRequest
    ) -> Iterator[Any]:
        panes = self.panes[: len(chosen)]
        sources = [
            partial(_stream_updates, self.page.backend, model, request)
            for model, request in zip(chosen, requests, strict=True)
        ]
        show_image = _asks_for_regions(asked)
        old: tuple[AnswerProgress[AnswerUpdate] | None, ...] = (None,) * len(panes)
        with closing(stream_side_by_side(sources)) as updates:
            for sides in updates:
                if not show_image and any(map(_has_regions, sides)):
                    show_image, old = True, (None,) * len(panes)  # on all, the same picture
                new: dict[Any, Any] = {}
                for pane, side, before in zip(panes, sides, old, strict=True):
                    if side is not before:
                        new |= _show_side(pane, side, asked, show_image=show_image)
                old = sides
                yield new or gr.skip()

    def carry(self, asked: AnsweredRequest | None) -> dict[Any, Any]:
        """Take over the request of another tab, with the model that answered it."""
        with show_errors():
            if asked is None:
                raise InputError("There is no answer yet.")
            chosen = [asked.model, *self._suggest_models(asked)]
            return {
                self.same: asked,
                self.models: gr.Dropdown(choices=runnable_models(self.page.backend), value=chosen),
                self.carried: gr.Column(visible=True),
                self.form: gr.Row(visible=False),
                self.card: _request_card(asked),
                **self._hide_panes(),
            }
        return {self.same: gr.skip()}

    def _suggest_models(self, asked: AnsweredRequest) -> list[str]:
        """Return the other model that is here and can do the task, if there is exactly one."""
        backend = self.page.backend
        able = [
            model
            for model in backend.models_for(asked.request.task)
            if model != asked.model and backend.spec(model).is_here
        ]
        return able if len(able) == 1 else []

    def show_form(self) -> dict[Any, Any]:
        """Forget the request of the other tab, and let the person write one."""
        return {
            self.same: None,
            self.carried: gr.Column(visible=False),
            self.form: gr.Row(visible=True),
            **self._hide_panes(),
        }

    def _hide_panes(self) -> dict[Any, Any]:
        return {pane.column: gr.Column(visible=False) for pane in self.panes}


def _note_request(task: Task, text: str, image: UploadedImage | None) -> AnsweredRequest:
    """Note what the form asks; nobody has answered it yet."""
    check_request(task, text, image)
    text = "" if task in TASKS_WITHOUT_TEXT else text
    return AnsweredRequest.record("", Request(task, text), Reply("", ""), (image,) if image else ())


def _asks_for_regions(asked: AnsweredRequest) -> bool:
    return asked.request.task in TASKS_WITH_REGIONS or bool(asked.request.regions)


def _stream_updates(backend: Backend, model: str, request: Request) -> AnswerStream:
    """Ask as the page's other tabs ask."""
    if request.task is Task.VQA:
        return stream_vqa_updates(backend, model, request, in_orders=False)

    def show_complete(reply: Reply) -> str:
        note, tone = describe_regions(request.task, reply)
        return answer_value(reply, busy=False, note=note, tone=tone)

    return stream_updates(backend, model, request, show_complete)


def _has_regions(side: AnswerProgress[AnswerUpdate]) -> bool:
    reply = side.newest[0] if side.newest else None
    return reply is not None and has_regions(reply)


def _show_side(
    pane: AnswerPane,
    side: AnswerProgress[AnswerUpdate],
    asked: AnsweredRequest,
    *,
    show_image: bool,
) -> dict[Any, Any]:
    """Show how far one answer has come, and why one failed."""
    newest, value = side.newest or (None, waiting_value())
    reply = newest or Reply("", "")
    regions = asked.request.regions
    updates: dict[Any, Any] = {
        **pane.draw(asked.image, reply, show_image=show_image, regions=regions),
        pane.answer: finish_value(value) if side.done else value,
    }
    if newest is not None:
        updates[pane.footer] = f"<p>{side.seconds:.1f} s · {word_count(reply.text)}</p>"
    if side.error is not None:
        updates[pane.footer] = problem_html(error_message(side.error))
    return updates


def _request_card(asked: AnsweredRequest) -> str:
    request = asked.request
    images = [image for group in (*asked.earlier_images, asked.images) for image in group]
    notes = [TranslatableText("Same request as to {model}", {"model": asked.model})]
    if (sampling := request.sampling) is not None:
        notes += [
            TranslatableText(
                "temperature {temperature}", {"temperature": f"{sampling.temperature:g}"}
            ),
            TranslatableText("at most {count} tokens", {"count": sampling.max_new_tokens}),
        ]
    if request.choices:
        notes.append(TranslatableText("one of: {choices}", {"choices": ", ".join(request.choices)}))
    return request_card(request.task, request.text, images, history=request.history, notes=notes)
