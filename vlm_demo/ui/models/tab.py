"""Models: the catalogue with its cards, evaluations, fine-tuning, and a reader of output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from vlm_demo.engines import NumberFormat
from vlm_demo.errors import VlmDemoError
from vlm_demo.server.operators import require_operator
from vlm_demo.translatable_text import DisplayText
from vlm_demo.ui import browser_files
from vlm_demo.ui.browser_modules import module_url
from vlm_demo.ui.components.view_signal import Opening
from vlm_demo.ui.context import PageContext
from vlm_demo.ui.events import IN_ORDER, QUEUED, QUICK, event_data
from vlm_demo.ui.i18n import say
from vlm_demo.ui.models.application import build_application
from vlm_demo.ui.models.detail import build_model_detail
from vlm_demo.ui.models.measured import measure_models
from vlm_demo.ui.models.parsing.output_form import build_output_form
from vlm_demo.ui.models.table import build_models_table, table_value
from vlm_demo.ui.streaming import show_errors

_OPEN_STUDIO = browser_files.fill(
    """() => import(new URL("%URL%", document.baseURI).href)
    .then(({ openView }) => openView("studio"))""",
    url=module_url("header/views.js"),
)
"""Shows Studio."""


def build_models_tab(opening: Opening, page: PageContext) -> None:
    """Lay out the views of the models."""
    with gr.Tabs(elem_id="models-tabs", overflow_behavior="wrap"):
        with gr.Tab(say("All models"), id="catalogue", elem_id="catalogue-tab"):
            _build_catalogue(opening, page)
        with gr.Tab(say("Evaluation"), id="evaluation", elem_id="evaluation-tab"):
            build_application("models/evaluation/app.js", "evaluation")
        with gr.Tab(say("Fine-tuning"), id="finetuning", elem_id="finetuning-tab"):
            build_application("models/finetuning/app.js", "finetuning")
        with gr.Tab(say("Parse model output"), id="parse", elem_id="parse-tab") as view:
            build_output_form(view, page)


def _build_catalogue(opening: Opening, page: PageContext) -> None:
    """Lay out the catalogue and wire it to the backend."""
    backend, page_model = page.backend, page.controls.model
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=300):
            table = build_models_table("models-table")
        with gr.Column(scale=4, min_width=300, elem_id="models-detail"):
            detail = build_model_detail(backend)

    def show_table(name: str) -> dict[Any, Any]:
        measured = measure_models(page.settings, page.leaderboards)
        return {table: table_value(backend, backend.free_memory(), name, measured)}

    def show_all(name: str) -> dict[Any, Any]:
        return {**detail.show(backend.spec(name)), **show_table(name)}

    def choose(event: gr.EventData) -> dict[Any, Any]:
        with show_errors():
            return detail.show(backend.spec(str(event_data(event).get("name"))))
        return {detail.head: gr.skip()}

    def load(name: str, number_format: str | None, request: gr.Request) -> Iterator[Any]:
        yield gr.skip()
        with show_errors():
            require_operator(request)
            spec = backend.spec(name)
            problem: DisplayText = ""
            yield detail.show_loading(spec)
            try:
                wanted = NumberFormat(number_format) if number_format else None
                for progress in backend.load(name, wanted):
                    yield detail.show_progress(spec, progress)
            except VlmDemoError as error:
                problem = error.message
            yield {**show_table(name), **detail.show(spec, problem)}

    def stop(name: str, request: gr.Request) -> None:
        with show_errors():
            require_operator(request)
            backend.stop_loading(name)

    def unload(name: str, request: gr.Request) -> dict[Any, Any]:
        with show_errors():
            require_operator(request)
            spec = backend.spec(name)
            backend.unload(name)
            return {**detail.show(spec), **show_table(name)}
        return {detail.head: gr.skip()}

    everything = [table, *detail.components]
    loading = detail.load.click(load, [detail.model, detail.number_format], everything, **QUEUED)
    detail.stop.click(stop, detail.model, None, **QUICK)
    # Choosing another model ends the progress bar, but not the loading itself.
    table.select(choose, None, detail.components, cancels=[loading], **IN_ORDER)
    opening.select(show_all, detail.model, everything, **IN_ORDER)
    detail.refresh.click(
        detail.show_usage, detail.model, [detail.usage_column, detail.usage], **QUICK
    )
    detail.number_format.input(
        detail.offer_reload, [detail.model, detail.number_format], detail.load, **QUICK
    )
    detail.unload.click(unload, detail.model, everything, **QUEUED)
    detail.use.click(lambda name: name, detail.model, page_model, **QUICK)
    chosen = detail.open.click(lambda name: name, detail.model, page_model, **QUICK)
    chosen.then(None, None, None, js=_OPEN_STUDIO, **QUICK)
