"""Batch: a ZIP or many pictures through one task, with the results as a table and as files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from vlm_demo.batch.manager import BatchManager
from vlm_demo.batch.visitor_batch import VisitorBatch
from vlm_demo.errors import InputError, VlmDemoError
from vlm_demo.ui.batch.downloads import write_download
from vlm_demo.ui.batch.form import (
    SAMPLING_OPTIONS,
    BatchForm,
    build_batch_form,
    read_batch_job,
    read_turn,
)
from vlm_demo.ui.batch.view import batch_value, batch_view, download_value, problem_value
from vlm_demo.ui.components.answer.view import (
    EMPTY_ANSWER,
    answer_value,
    build_answer,
    failure_value,
)
from vlm_demo.ui.components.canvas.canvas import build_view_canvas
from vlm_demo.ui.components.canvas.canvas_values import canvas_value, reply_canvas_value
from vlm_demo.ui.components.uploaded_images import accept_image
from vlm_demo.ui.components.view_signal import Opening
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import QUEUED, QUICK, event_data
from vlm_demo.ui.files.folders import find_file
from vlm_demo.ui.streaming import show_errors
from vlm_demo.ui.visitors import read_owner

POLL_S = 1.0
"""Time between two looks at a running batch."""


def build_batch_tab(opening: Opening, page: PageContext) -> None:
    """Lay out the tab and wire it."""
    code, image = gr.State(""), gr.State(None)
    timer = gr.Timer(POLL_S, active=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            form = build_batch_form(page)
        with gr.Column(scale=7, min_width=300):
            view = batch_view("batch-view")
            with gr.Column(elem_id="batch-one"):
                canvas = build_view_canvas("batch-board", group="batch")
                answer = build_answer("batch-answer", canvas="batch-board")
    _BatchTab(page, page.batches, form, code, timer, view, image, canvas, answer).wire(opening)


@dataclass(frozen=True, slots=True)
class _BatchTab:
    """The components of the tab, and what happens on them."""

    page: PageContext
    manager: BatchManager
    form: BatchForm
    code: gr.State  # of the batch that is shown
    timer: gr.Timer
    view: gr.HTML
    image: gr.State  # Picture | None: the one of the result that is shown
    canvas: gr.HTML
    answer: gr.HTML

    def wire(self, opening: Opening) -> None:
        """Wire all components."""
        form, view, code = self.form, self.view, self.code
        outputs = [view, self.timer, code]
        result = [self.image, self.canvas, self.answer]
        # In the queue, since only there a message about an error reaches the page.
        form.begin.click(
            self.begin,
            [*form.inputs, *self.page.controls.inputs],
            [*outputs, form.files, *result],
            trigger_mode="once",
            **QUEUED,
        )
        controls = self.page.controls
        form.turn.input(
            self.take_turn,
            form.turn,
            [*form.from_turn, *(getattr(controls, name) for name in SAMPLING_OPTIONS)],
            **QUICK,
        )
        for event in (form.code.submit, form.open.click):
            event(self.open, form.code, [*outputs, *result], **QUEUED)
        view.play(self.resume, code, outputs, **QUEUED)
        view.pause(self.end_with(VisitorBatch.pause), code, outputs, **QUEUED)
        view.stop(self.end_with(VisitorBatch.stop), code, outputs, **QUEUED)
        view.select(self.show_result, code, result, trigger_mode="multiple", **QUEUED)
        view.download(self.download, code, view, **QUEUED)
        self.timer.tick(self.poll, code, outputs, **QUICK)
        opening.select(self.show_newest, code, outputs, **QUICK)

    def take_turn(self, sent: str) -> dict[Any, Any]:
        """Take task, text and settings of a turn of Studio over into the form."""
        turn = read_turn(sent)
        if not turn:
            return {self.form.task: gr.skip()}
        controls = self.page.controls
        settings = {getattr(controls, name): value for name, value in turn["options"].items()}
        return {self.form.task: turn["task"], self.form.text: turn["text"], **settings}

    def show(self, batch: VisitorBatch) -> dict[Any, Any]:
        """Show a batch, and look again soon while it runs."""
        busy = batch.is_busy
        return {
            self.view: batch_value(batch),
            self.timer: gr.Timer(active=busy),
            self.code: batch.code,
        }

    def clear_result(self) -> dict[Any, Any]:
        return {self.image: None, self.canvas: canvas_value(None), self.answer: EMPTY_ANSWER}

    def begin(
        self,
        uploads: Sequence[str] | None,
        name: str,
        text: str,
        outlines: bool,
        frames: float | None,
        pages: str,
        request: gr.Request,
        *settings: Any,
    ) -> dict[Any, Any]:
        with show_errors():
            job = read_batch_job(
                *(self.page, name, text, settings),
                outlines=bool(outlines),
                frames=frames,
                pages=pages or "",
            )
            owner = read_owner(request)
            files = [find_file(path, owner) for path in uploads or ()]
            if None in files:
                raise InputError("A file did not arrive. Add the files again.")
            batch = self.manager.begin(owner, job, [file for file in files if file])
            return {**self.show(batch), self.form.files: None, **self.clear_result()}
        return {self.view: gr.skip()}

    def poll(self, code: str, request: gr.Request) -> dict[Any, Any]:
        """Look again; an error appears in the view, as nothing else would show it."""
        if not code:
            return {self.timer: gr.Timer(active=False)}
        try:
            return self.show(self.manager.batch(read_owner(request), code))
        except VlmDemoError as error:
            return {self.view: problem_value(error.message), self.timer: gr.Timer(active=False)}

    def show_newest(self, code: str, request: gr.Request) -> dict[Any, Any]:
        """Show the batch that the visitor began last, where none is shown yet."""
        if code:
            return self.poll(code, request)
        try:
            batch = self.manager.newest(read_owner(request))
        except VlmDemoError as error:
            return {self.view: problem_value(error.message)}
        return self.show(batch) if batch else {self.view: gr.skip()}

    def open(self, code: str, request: gr.Request) -> dict[Any, Any]:
        """Show an earlier batch."""
        with show_errors():
            batch = self.manager.batch(read_owner(request), code)
            return {**self.show(batch), **self.clear_result()}
        return {self.view: gr.skip()}

    def resume(self, code: str, request: gr.Request) -> dict[Any, Any]:
        with show_errors():
            return self.show(self.manager.resume(read_owner(request), code))
        return {self.view: gr.skip()}

    def end_with(self, end: Callable[[VisitorBatch], None]) -> Callable[..., dict[Any, Any]]:
        """Return the handler of a button that pauses or stops a batch."""

        def end_batch(code: str, request: gr.Request) -> dict[Any, Any]:
            with show_errors():
                batch = self.manager.batch(read_owner(request), code)
                end(batch)
                return self.show(batch)
            return {self.view: gr.skip()}

        return end_batch

    def show_result(self, event: gr.EventData, code: str, request: gr.Request) -> dict[Any, Any]:
        with show_errors():
            name = str(event_data(event).get("name"))
            batch = self.manager.batch(read_owner(request), code)
            result = batch.journal.result(name)
            problem = result.error if result else ""
            try:
                image = accept_image(
                    batch.extract(name), self.page.settings, name, owner=read_owner(request)
                )
            except VlmDemoError as error:
                failure = failure_value(problem or error.message, [])
                return {**self.clear_result(), self.answer: failure}
            if result is None or problem:
                return {
                    self.image: image,
                    self.canvas: canvas_value(image),
                    self.answer: failure_value(problem, []),
                }
            return {
                self.image: image,
                self.canvas: reply_canvas_value(image, result.reply),
                self.answer: answer_value(result.reply, busy=False, note=name),
            }
        return {self.canvas: gr.skip()}

    def download(self, event: gr.EventData, code: str, request: gr.Request) -> dict[Any, Any]:
        with show_errors():
            file_format = str(event_data(event).get("form"))
            batch = self.manager.batch(read_owner(request), code)
            return {
                self.view: download_value(write_download(batch, file_format, read_owner(request)))
            }
        return {self.view: gr.skip()}
