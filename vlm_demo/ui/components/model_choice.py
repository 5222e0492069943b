"""The model of Gradio's views: it follows the one that is chosen in the header."""

from __future__ import annotations

from typing import Any

import gradio as gr

from vlm_demo.backend import Backend
from vlm_demo.ui import browser_files
from vlm_demo.ui.browser_modules import module_url
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.events import QUICK


def build_model_choice(backend: Backend) -> gr.Dropdown:
    """Build the choice, which is hidden, and tie it to that of the header."""
    first = backend.menu[0].name
    with gr.Row(elem_id="page-model"):
        model = gr.Dropdown([first], value=first, allow_custom_value=True, elem_id="model")
        script = browser_files.read(
            "components/model_choice.js", models=module_url("header/models/store.js")
        )
        link = build_html_component("", "<span></span>", script, "model-link")

    def follow_header(name: str) -> Any:
        return name if name in {spec.name for spec in backend.menu} else gr.skip()

    link.input(follow_header, link, model, **QUICK)
    model.change(lambda name: name, model, link, **QUICK)
    return model


def runnable_models(backend: Backend) -> list[str]:
    """Return the names of the models that run here. The Models view lists the others too."""
    return [spec.name for spec in backend.menu if spec.runs_here and spec.answers]
