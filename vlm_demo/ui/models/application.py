"""Elements of the views of models that browser applications of their own fill."""

from __future__ import annotations

from vlm_demo.ui.browser_modules import module_url
from vlm_demo.ui.components.html_component import build_html_component

_SCRIPT = """
const address = new URL("%URL%", document.baseURI).href;
import(address).then(({ mount }) => mount(element.querySelector(".%NAME%")));
"""
"""Gradio runs it when the element is on the page."""


def build_application(module: str, name: str) -> None:
    """Lay out an element.

    Args:
        module: path, in `vlm_demo/ui`, of the script whose `mount` fills the element.
        name: class of the element.
    """
    script = _SCRIPT.replace("%URL%", module_url(module)).replace("%NAME%", name)
    build_html_component(None, f'<div class="models-view {name}"></div>', script, f"{name}-view")
