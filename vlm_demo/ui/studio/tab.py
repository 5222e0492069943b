"""Studio on the page: the element that its browser application fills."""

from __future__ import annotations

from vlm_demo.ui.browser_modules import module_url
from vlm_demo.ui.components.html_component import build_html_component
from vlm_demo.ui.components.view_signal import Opening
from vlm_demo.ui.context import PageContext

_TEMPLATE = '<div id="studio"></div>'

_SCRIPT = """
const address = new URL("%URL%", document.baseURI).href;
import(address).then(({ mount }) => mount(element.querySelector("#studio")));
"""
"""Gradio runs it when the element is on the page."""


def build_studio_tab(_opening: Opening, _page: PageContext) -> None:
    """Lay out the element, where Studio appears once the browser has loaded its modules."""
    script = _SCRIPT.replace("%URL%", module_url("studio/app.js"))
    build_html_component(None, _TEMPLATE, script, "studio-host")
