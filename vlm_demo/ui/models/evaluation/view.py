"""The element that the browser application of evaluations fills."""

from __future__ import annotations

from vlm_demo.ui.browser_modules import module_url
from vlm_demo.ui.components.html_component import build_html_component

_TEMPLATE = '<div class="evaluation"></div>'

_SCRIPT = """
const address = new URL("%URL%", document.baseURI).href;
import(address).then(({ mount }) => mount(element.querySelector(".evaluation")));
"""
"""Gradio runs it when the element is on the page."""


def build_evaluation_view() -> None:
    """Lay out the view."""
    script = _SCRIPT.replace("%URL%", module_url("models/evaluation/app.js"))
    build_html_component(None, _TEMPLATE, script, "evaluation")
